// The token leaves the address bar, so that it is in no bookmark, screen share or history; the cookie has it from here.
history.replaceState(null, "", "/");
document.getElementById("again").addEventListener("click", () => location.reload());
// Keys go to the dashboard as soon as it has drawn itself; before that it would not hear of the focus, and draw slowly.
const focus = () => {
  if (!document.body.classList.contains("-first-byte")) return;
  opened.disconnect();
  document.querySelector(".xterm-helper-textarea").focus();
};
const opened = new MutationObserver(focus);
opened.observe(document.body, { attributes: true });
