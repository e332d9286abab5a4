"""The report: everything that came of the demo, on two screens of at most 100 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from marketplace.demo import findings
from marketplace.demo.findings import Standing
from marketplace.demo.layout import amount, grid, interval, lines
from marketplace.demo.quality import accuracy, sureness
from marketplace.demo.story import Outcome
from payments.money import Money
from tasks.distribute import GRACE
from tasks.quality import Suspect

CPU_SECONDS_MAX = 120
CPU_PARTS_A_LINE = 4


def show(outcome: Outcome, console: Console) -> None:
    """Print the report."""
    with console.capture() as capture:
        for title, body in sections(outcome):
            console.print(Rule(Text(title, style="bold"), align="left", style="dim"))
            console.print(Padding(body, (0, 0, 1, 2)))
    # Lines are filled up to the right with spaces, which nobody wants in a file.
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    console.file.write(f"\n{text}\n")


def sections(outcome: Outcome) -> Iterator[tuple[str, ConsoleRenderable]]:
    """Return the report's parts in order, each with its title."""
    yield "What was published", published(outcome)
    yield "What was forecast, and what came out", forecast(outcome)
    yield "Accuracy, against what the scans really are", accuracy(outcome)
    yield "How sure the labels are", sureness(outcome)
    yield "Fair pay", pay(outcome)
    yield "The simulated crowd, best estimate first", workers(outcome)
    yield "Spammers in the simulated crowd", spammers(outcome)
    yield "The ledger of all runs on this database, and what must always hold", proofs(outcome)
    yield "CPU time", cpu(outcome)
    yield "Where to look next", next_steps(outcome)


def pay(outcome: Outcome) -> Text:
    """Say which floor held, what was reckoned with beforehand, and what came of the reserve."""
    quote, batch, found = outcome.played.published.quote, outcome.played.batch, outcome.pay
    currency = batch["currency"]
    if quote["floor"] is None:
        return lines(f"No wage floor was in force in {currency}, so none was promised.")
    aside = Money(batch["reserve"]["brought"], currency)
    used, measured = Money(found.topped_up_minor, currency), found.seconds or 0
    return lines(
        f"The wage floor was {Money(quote['floor'], currency)} an hour. The reward stood for at "
        f"most {quote['seconds']} s an answer; a pilot of ten timed answers came first. By the "
        f"server's clock an answer took {measured} s. {aside} were set aside for top-ups; {used} "
        "were needed, the rest went back. `make simulate-wages` shows it with slower people.",
    )


def published(outcome: Outcome) -> Text:
    """Say what the requester asked of whom, and what it took."""
    plan, quote, batch = outcome.plan, outcome.played.published.quote, outcome.played.batch
    progress = batch["progress"]
    return lines(
        f"Batch {batch['id']} of project {batch['project']}: {quote['tasks']} real scans of "
        f"handwritten digits, ten options, and {quote['gold']} more as gold "
        f"({quote['gold'] / plan.scans:.0%}), whose answers only the requester knows. How many "
        f"answers a scan gets is decided while they arrive, on the budget of {plan.terms.overlap} "
        f"each. Published and worked over the REST API by a simulated crowd of {plan.workers}, "
        f"{plan.at_once} at a time, in {outcome.seconds:.0f} seconds from start to end.",
        f"{progress['skipped']} tasks were skipped, and {progress['expired']} expired: somebody "
        f"claimed them and left. They were taken back after "
        f"{plan.terms.assignment_duration_seconds} s and {GRACE.seconds} s of grace, and others "
        "of the simulated crowd answered them.",
    )


def forecast(outcome: Outcome) -> ConsoleRenderable:
    """Hold answers and cost against their forecast, and against a fixed overlap."""
    played, batch = outcome.played, outcome.played.batch
    currency, overlap = batch["currency"], outcome.plan.terms.overlap
    table = grid(gap=3, numbers=5)
    table.add_row("", "from", "to", "came out", f"overlap {overlap}")
    made = findings.foretold(
        forecast=played.published.forecast, batch=batch, answers=played.answers
    )
    answers, actual = made["answers_per_task"]
    said = (answers["low"], answers["high"], actual, overlap)
    table.add_row("answers per scan", *(f"{each:.2f}" for each in said))
    cost, spent = made["cost_minor"]
    budget = batch["money"]["budget"]
    costs = (cost["low"], cost["high"], spent, budget)
    table.add_row(f"cost in {currency}", *(amount(each, currency) for each in costs))
    paid = [row for row in played.answers if row["status"] == "accepted"]
    gold = sum(row["gold"] for row in paid)
    return Group(
        lines(
            "Before anything was committed, from what is usual for public crowds; the intervals "
            "are to hold in 80% of cases:",
            "",
        ),
        table,
        lines(
            "",
            f"{Money(budget - spent, currency)} of the budget went back, {_share(spent, budget)} "
            f"less than the same scans with {overlap} answers each. {len(paid):,} answers were "
            f"accepted, {gold} of them to gold, for {Money(batch['reward'], currency)} reward and "
            f"{Money(batch['fee'], currency)} fee each.",
        ),
    )


def _share(spent: float, budget: float) -> str:
    return f"{1 - spent / budget:.0%}" if budget else "0%"


def workers(outcome: Outcome) -> ConsoleRenderable:
    """List every simulated worker: what they are like, and what the marketplace thinks."""
    plan = outcome.plan
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("worker", "pseudonym", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("answers", "right", "estimated", "on gold", "earned", "per hour"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in outcome.standings:
        table.add_row(
            each.name.removeprefix("simulated-"),
            each.pseudonym,
            each.kind.value,
            f"{each.score.of}",
            f"{each.score.share:.2f}",
            interval(each.fit),
            interval(each.gold),
            amount(each.earned_minor, plan.terms.currency),
            amount(each.hourly_minor(plan.speed), plan.terms.currency),
            style="red" if each.name in outcome.suspects else "",
        )
    notes = lines(
        "",
        "right: their answers against the truth, which the marketplace does not know. estimated: "
        "by the consensus of all answers; on gold: by the few answers to gold; both with their 95% "
        f"interval. earned and per hour in {plan.terms.currency}: the simulated crowd works "
        f"{plan.speed:g} times faster than people, so the time the server measured from claim to "
        f"answer counts {plan.speed:g} times.",
    )
    return Group(table, notes)


def spammers(outcome: Outcome) -> Text:
    """Compare who was planted with who was found."""
    found = outcome.suspects
    planted = [each for each in outcome.standings if each.kind.is_spam]
    hit = sum(each.name in found for each in planted)
    others = f"{len(found) - hit} of the others" if len(found) > hit else "nobody else"
    usual = [f", the usual worker {suspect.usual:.0%}" for suspect in found.values()][:1]
    return lines(
        f"{hit} of {len(planted)} planted spammers were found, and {others} was suspected. A guess "
        f"is right 10% of the time{''.join(usual)}.",
        *(_suspicion(each, found.get(each.name)) for each in outcome.standings
          if each.kind.is_spam or each.name in found),
    )  # fmt: skip


def _suspicion(each: Standing, suspect: Suspect | None) -> str:
    who = f"{each.name} ({each.kind.value})"
    if suspect is None:
        return f"{who} was missed: estimated {interval(each.fit)}"
    return (
        f"{who}: estimated to be right {suspect.estimate:.0%} of the time, and {suspect.high:.0%} "
        f"at most; in truth {each.score.share:.0%}"
    )


def proofs(outcome: Outcome) -> ConsoleRenderable:
    """Show the sums of each currency, and say of each promise whether it was kept."""
    table = grid(gap=3, numbers=6)
    table.add_row("", "deposited", "earned", "fees", "paid out", "in escrow now")
    for sums in outcome.totals:
        moved = (sums.deposited_minor, sums.earned_minor, sums.fees_minor, sums.paid_out_minor)
        shown = [amount(each, sums.currency) for each in (*moved, sums.escrowed_minor)]
        table.add_row(sums.currency, *shown)
    text = Text("\n")
    for promise in outcome.promises:
        kept = not promise.broken_by
        text.append("✓ " if kept else "✗ BROKEN: ", style="bold green" if kept else "bold red")
        text.append(f"{promise.sentence}\n")
        for each in promise.broken_by[:3]:
            text.append(f"  {each}\n", style="red")
    text.rstrip()
    verdict = outcome.verdict
    text.append(f"\n  {verdict.verified} labels verified, head {verdict.head.hex()}")
    return Group(table, text)


def cpu(outcome: Outcome) -> Text:
    """Say which part used how much."""
    total = sum(outcome.cpu.values())
    parts = sorted(outcome.cpu.items(), key=lambda part: -part[1])
    named = [f"{name} {used:.1f}" for name, used in parts]
    return lines(
        f"{total:.1f} s of at most {CPU_SECONDS_MAX}, all processes together:",
        *(
            "   ".join(named[start : start + CPU_PARTS_A_LINE])
            for start in range(0, len(named), CPU_PARTS_A_LINE)
        ),
    )


def next_steps(outcome: Outcome) -> ConsoleRenderable:
    """Say what to do with what is there now."""
    batch = outcome.played.batch["id"]
    login = outcome.requester
    table = grid(gap=3)
    for what, why in (
        (outcome.url or "make up", f"the site on this database; log in as {login}"),
        (f".venv/bin/python manage.py token {login}", "a token for the API"),
        (f"GET /api/v1/batches/{batch}/results", "each scan's consensus; also /answers, /workers"),
        (".venv/bin/python manage.py simulate --help", "a simulated crowd for your own batch"),
        ("make down", "stop what goes on running"),
    ):
        table.add_row(Text(what, style="bold"), why)
    return table
