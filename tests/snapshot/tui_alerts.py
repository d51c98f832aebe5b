"""A run with alerts in every state: firing, critical, acknowledged, muted, cleared; with ten minutes behind it."""

from __future__ import annotations

from tui_journal import Teller, midst, resources

from cimis_engine.run import events as ev


def calm() -> list[ev.Stamped]:
    """The first stations of `midst`; the engine has just told what memory it has."""
    teller = Teller(7)
    teller.told = midst()[:200]
    teller.t = float(int(teller.told[-1].t) + 1)  # its rule looks at the last three whole seconds
    resources(teller, {})
    return teller.told


def troubled() -> list[ev.Stamped]:
    """The run of `midst`, eleven minutes on: the engine grows all the while."""
    teller = Teller(7)
    teller.told = midst()
    teller.t = teller.told[-1].t
    raised = {
        "error_rate": ("critical", "run", 0.0213, 0.01),
        "fetch_p99": ("warning", "run", 6210.0, 5000.0),
        "retry_ratio": ("critical", "run", 0.37, 0.30),
        "compression": ("warning", "run", 1.7, 2.0),
    }
    for rule, (severity, subject, value, limit) in raised.items():
        teller.say(ev.AlertRaised(rule=rule, severity=severity, subject=subject, value=value, limit=limit), 4.0)
    teller.say(ev.AlertCleared(rule="compression", subject="run", value=2.4), 20.0)
    for second in range(640):
        teller.say(
            ev.Resources(
                rss_bytes=90_000_000 + second * 200_000 - (second % 90) * 350_000,
                cpu_percent=34.2,
                loop_lag_ms=3.1,
                in_flight=7,
                held_bytes=0,
                held={},
            ),
            1.0,
        )
    teller.say(ev.AlertRaised(rule="memory", severity="warning", subject="run", value=213_400_000.0, limit=200e6))
    broken = {"error_class": "integrity", "message": "the file reads back otherwise than written", "hint": ""}
    teller.say(ev.ChunkFailed(job="d083", station=83, year=2016, **broken))
    teller.say(ev.AlertRaised(rule="checksum", severity="critical", subject="83", value=1.0, limit=0.0), 3.0)
    teller.say(ev.AlertAcknowledged(rule="fetch_p99", subject="run"), 1.0)
    teller.say(ev.AlertMuted(rule="error_rate", subject="run", until=teller.t + 600.0), 1.0)
    resources(teller, {})
    return teller.told
