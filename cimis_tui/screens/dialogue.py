"""A small question over the screen: a title, lines of key and words, one answer."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    answer: str
    label: str
    detail: str


class Dialogue(ModalScreen[str]):
    """Answers with a choice's `answer`, or the empty string for going back."""

    DEFAULT_CSS = """
    Dialogue { align: center middle; background: $background 60%; }
    Dialogue Vertical {
        width: 76; max-width: 96%; height: auto; border: round $primary; background: $background;
        border-title-color: $foreground; border-title-style: bold; padding: 1 2;
    }
    Dialogue OptionList {
        height: auto; border: none; background: $background; padding: 0; overflow-y: hidden;
        &:focus { border: none; background-tint: transparent 0%; }
        & > .option-list--option-highlighted { background: $row; color: $foreground; text-style: bold; }
    }
    Dialogue Static { height: auto; margin-bottom: 1; }
    """

    def __init__(self, title: str, text: str, choices: tuple[Choice, ...], usual: int = 0) -> None:
        """`usual`: which of the choices enter takes."""
        super().__init__()
        self._usual = usual
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            if self._text:
                yield Static(self._text, markup=False)
            yield OptionList(
                *(Option(f"[b]{c.key:>3}[/b]  {c.label}\n     [dim]{c.detail}[/dim]") for c in self._choices)
            )

    def on_mount(self) -> None:
        for choice in self._choices:
            keys = {"esc": ("escape", "b", "n")}.get(choice.key, (choice.key,))
            for key in keys:
                self._bindings.bind(key, f"answer('{choice.answer}')", show=False)
        self.query_one(OptionList).highlighted = self._usual

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].answer)

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


BACK = Choice("esc", "", "Back", "b and n do the same")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def quit_dialogue(*, in_flight: int, queued: int, pid: int | None, run_id: str) -> Dialogue:
    """What leaving means while work is in flight; detaching comes first, for it loses nothing."""
    engine = f"the engine (pid {pid}) goes on" if pid is not None else "the engine goes on"
    return Dialogue(
        f"Leave? {_count(in_flight, 'page')} in flight, {_count(queued, 'station')} queued",
        "",
        (
            Choice("d", "detach", f"Detach: {engine}", f"cimis attach {run_id} returns to it"),
            Choice("w", "drain", "Drain: no new pages, finish what is in flight", "stays here until the run has ended"),
            Choice(
                "s",
                "stop",
                "Stop now: give up what is in flight",
                "chunks already on disk stay; the run can be resumed",
            ),
            BACK,
        ),
    )


def cancel_dialogue(whom: str, lost: str, stays: str, retry: str) -> Dialogue:
    """`lost` and `stays` say what cancelling gives up and what not; `retry` is the key that tries again."""
    return Dialogue(
        f"Cancel {whom}?",
        f"{lost}\n{stays}",
        (Choice("y", "yes", f"Cancel the jobs of {whom}", f"{retry} tries them again while the run goes on"), BACK),
        usual=1,
    )
