"""The page: one article in each language, of the same sections."""

from collections.abc import Iterator

from retention.ledger import Timing
from retention.page import words
from retention.page.figures import STATES, Figures
from retention.page.markup import Html, joined, table, tag, text
from retention.page.strip import legend, strip
from retention.page.style import STYLE
from retention.page.words import Language, Words
from retention.witness import Alarm

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(figures: Figures) -> str:
    """The whole page."""
    title = " · ".join(words.TITLE)
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Html('<meta name="viewport" content="width=device-width">'),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    languages: tuple[Language, Language] = ("lv", "en")
    body = tag("body", *(_Article(figures, language).html() for language in languages))
    return f'<!DOCTYPE html>\n<html lang="lv">{head}{body}</html>\n'


class _Article:
    """The page in one language."""

    def __init__(self, figures: Figures, language: Language) -> None:
        self._figures = figures
        self._language = language
        self._at = 0 if language == "lv" else 1

    def html(self) -> Html:
        sections = (
            self._top,
            self._how,
            self._promise,
            self._became,
            self._when,
            self._days,
            self._holds,
            self._acts,
            self._rescans,
            self._witness,
            self._backups,
            self._unchecked,
            self._books,
        )
        parts = joined(part for section in sections for part in section())
        return tag("article", parts, lang=self._language, id=self._language)

    def _say(self, said: Words, *values: object) -> str:
        return said[self._at].format(*values)

    def _heading(self, said: Words, note: Words | None = None, *values: object) -> Iterator[Html]:
        yield tag("h2", self._say(said))
        if note is not None:
            yield tag("p", self._say(note, *values), class_="note")

    def _top(self) -> Iterator[Html]:
        figures, other = self._figures, 1 - self._at
        yield tag("nav", tag("a", words.SELF[other], href="#en" if other else "#lv"))
        yield tag("p", self._say(words.EYEBROW), class_="eyebrow")
        yield tag("h1", self._say(words.TITLE))
        facts = (
            (words.RECORDED, f"{figures.since} – {figures.through}"),
            (words.MADE, figures.made_at),
            (words.STORES, figures.stores),
        )
        shown = (tag("div", tag("dt", self._say(what)), tag("dd", value)) for what, value in facts)
        yield tag("dl", *shown, class_="facts")
        yield self._answer()

    def _answer(self) -> Html:
        figures = self._figures
        wrong = {
            "early": figures.timing(Timing.EARLY),
            "past_limit": figures.timing(Timing.PAST_LIMIT) - figures.backlog.total(),
            "still": figures.still_there,
            "lost": figures.state("lost"),
            "blocked": figures.state("blocked"),
            "imbalance": figures.imbalance,
        }
        told = [self._say(words.BAD[what], number) for what, number in wrong.items() if number]
        seen = self._say(words.SEEN, sum(figures.seen.values()))
        found = " ".join(told) or self._say(words.GOOD)
        apart = (words.BACKLOG, figures.backlog.total()), (words.GRACE, figures.in_grace)
        rest = [tag("p", self._say(why, n), class_="small") for why, n in apart if n]
        believe = tag("p", self._say(words.BELIEVE), class_="small")
        kind = "answer bad" if told else "answer"
        return tag("div", tag("p", seen, " ", tag("strong", found)), *rest, believe, class_=kind)

    def _how(self) -> Iterator[Html]:
        yield from self._heading(words.HOW)
        commands = (
            "python3 auditor.pyz verify bundle.zip --pin PIN",
            (
                "python3 auditor.pyz rescan DIRECTORY --bundle bundle.zip --store ID --group GROUP"
                " --pin PIN --number N"
            ),
            "python3 auditor.pyz witness bundle.zip --prometheus URL --pin PIN",
            "",
        )
        yield tag(
            "ol",
            *(
                tag("li", self._say(step), _code(command) if command else "")
                for step, command in zip(words.STEPS, commands, strict=True)
            ),
        )
        pin = tag("code", self._figures.pin)
        yield tag("p", f"{self._say(words.CLAIMED_PIN)}: ", pin, class_="small")

    def _promise(self) -> Iterator[Html]:
        yield from self._heading(words.PROMISE, words.VERSIONS, len(self._figures.chain.policies))
        policy = self._figures.chain.current
        head = [self._say(w) for w in (words.CLASS, words.PERIOD, words.PURPOSE, words.VALID)]
        yield table(
            head,
            (
                (
                    each.name,
                    self._period(each.period, each.bound),
                    joined([each.purpose, tag("div", each.legal_basis, class_="small")]),
                    policy.effective_from,
                )
                for each in policy.classes
            ),
        )

    def _period(self, period: str, bound: str) -> str:
        how = words.MAXIMUM if bound == "maximum" else words.MINIMUM
        return f"{self._say(how)} {self._span(int(period[1:-1]), period[-1])}"

    def _span(self, number: int, unit: str) -> str:
        return f"{number} {words.unit(unit, number, self._language)}"

    def _became(self) -> Iterator[Html]:
        yield from self._heading(words.BECAME, words.BECAME_NOTE)
        figures = self._figures
        classes = sorted(figures.seen)
        head = ["", *classes]
        rows: list[list[object]] = [
            [tag("strong", self._say(words.REGISTERED)), *(figures.seen[c] for c in classes)]
        ]
        rows += (
            [self._say(words.STATES[state]), *(self._count(state, c) for c in classes)]
            for state in STATES
        )
        yield table(head, rows, numbers=len(classes))

    def _count(self, state: str, record_class: str) -> Html:
        number = self._figures.states[record_class][state]
        return tag("span", number, class_="wrong") if number and state == "lost" else text(number)

    def _when(self) -> Iterator[Html]:
        yield from self._heading(words.WHEN, words.WHEN_NOTE, self._figures.certificates)
        classes = sorted(self._figures.seen)
        rows = [
            [self._say(words.TIMINGS[timing]), *(self._timed(timing, c) for c in classes)]
            for timing in Timing
        ]
        yield table(["", *classes], rows, numbers=len(classes))

    def _timed(self, timing: Timing, record_class: str) -> Html:
        number = self._figures.timings[record_class][timing]
        excused = self._figures.backlog[record_class] if timing is Timing.PAST_LIMIT else 0
        wrong = timing in {Timing.EARLY, Timing.PAST_LIMIT} and number > excused
        return tag("span", number, class_="wrong") if wrong else text(number)

    def _days(self) -> Iterator[Html]:
        yield from self._heading(words.DAYS, words.DAYS_NOTE)
        days = self._figures.days
        if not days:
            yield tag("p", self._say(words.NO_DAYS))
            return
        for record_class in sorted(days):
            yield self._strip(record_class)
        yield legend(*(self._say(each) for each in (words.OK, words.VIOLATED, words.UNKNOWN)))

    def _strip(self, record_class: str) -> Html:
        days = self._figures.days[record_class]
        reasons = sorted({reason for day in days for reason in day.reasons})
        told = ", ".join(self._say(words.REASONS.get(r, (r, r))) for r in reasons)
        span = f"{days[0].day} – {days[-1].day}"
        caption = tag("figcaption", tag("strong", record_class), f" {span}")
        because = tag("div", told, class_="small") if told else ""
        return tag("figure", caption, strip(days), because)

    def _holds(self) -> Iterator[Html]:
        yield from self._heading(words.HOLDS, words.HOLDS_NOTE)
        if not self._figures.holds:
            yield tag("p", self._say(words.NOTHING))
            return
        yield table(
            [self._say(column) for column in words.HOLD_COLUMNS],
            (
                (
                    hold.id,
                    f"{hold.clause} {self._say(words.GROUNDS.get(hold.ground, (hold.ground, hold.ground)))}"
                    + (f": {hold.citation}" if hold.citation else ""),
                    self._figures.day(hold.placed_at),
                    hold.review_on,
                    f"{hold.stores} ({hold.effective_stores})",
                    hold.items,
                    self._say(
                        _standing(released=hold.released_at is not None, confirmed=hold.confirmed)
                    ),
                )
                for hold in self._figures.holds
            ),
        )

    def _acts(self) -> Iterator[Html]:
        yield from self._heading(words.ACTS)
        counted = sorted(self._figures.acts.items())
        if not counted:
            yield tag("p", self._say(words.NOTHING))
            return
        rows = ((self._say(words.KINDS.get(k, (k, k))), number) for k, number in counted)
        yield table(["", ""], rows, numbers=1)

    def _rescans(self) -> Iterator[Html]:
        yield from self._heading(words.RESCANS)
        verdicts = {"ok": words.OK, "violated": words.VIOLATED, "unknown": words.UNKNOWN}
        rows = [
            (
                each.number or "–",
                each.store,
                self._figures.moment(each.at),
                sum(counted.files for counted in each.counts),
                self._say(verdicts[each.verdict]),
            )
            for each in self._figures.rescans
        ]
        head = [self._say(column) for column in words.RESCAN_COLUMNS]
        yield table(head, rows) if rows else tag("p", self._say(words.NO_RESCANS))

    def _witness(self) -> Iterator[Html]:
        watched = self._figures.watched
        if watched is None:
            yield from self._heading(words.WITNESS)
            yield tag("p", self._say(words.NOT_ASKED))
            return
        yield from self._heading(words.WITNESS, words.WITNESS_NOTE)
        minutes = sum(gap.until - gap.since for gap in watched.gaps) // 60
        rows = [
            (self._say(words.SIGHTINGS), len(watched.sightings)),
            (
                self._say(words.GAPS),
                f"{len(watched.gaps)} ({minutes} {self._say(words.MINUTES)})",
            ),
            (self._say(words.ALARMS), sum(map(_alarming, watched.alarms))),
        ]
        yield table(["", ""], rows, numbers=1)
        span = self._figures.span
        alarms = [
            (a.name, ", ".join(v for _, v in a.labels), span(a.first, a.last))
            for a in filter(_alarming, watched.alarms)
        ]
        if alarms:
            yield table([self._say(words.ALARMS), "", ""], alarms)

    def _backups(self) -> Iterator[Html]:
        yield from self._heading(words.BACKUPS)
        if not self._figures.backups:
            yield tag("p", self._say(words.NONE_REGISTERED))
            return
        yield table(
            [self._say(words.BACKUPS), "", self._say(words.LONGEST)],
            (
                (each.name, self._say(words.BACKUPS_OF[each.of]), self._span(each.days, "D"))
                for each in self._figures.backups
            ),
            numbers=1,
        )

    def _unchecked(self) -> Iterator[Html]:
        yield from self._heading(words.UNCHECKED)
        sentences = self._figures.not_checked
        told = [words.NOT_CHECKED[s] if self._language == "lv" else s for s in sentences]
        yield tag("ul", *(tag("li", sentence) for sentence in told))
        head = self._figures.head
        if head is not None:
            leaves = self._say(words.LEAVES)
            root = tag("code", head.root.hex())
            said = f"{self._say(words.LEDGER)}: {head.size} {leaves}, "
            yield tag("p", said, root, class_="small")

    def _books(self) -> Iterator[Html]:
        yield from self._heading(words.BOOKS, words.BOOKS_NOTE)
        told = ("erased", "held", "present")
        head = [
            *(self._say(each) for each in (words.DATE, words.CLASS, words.REGISTERED)),
            *(self._say(words.STATES[state]) for state in told),
            *(self._say(each) for each in (words.OTHER, words.BALANCES)),
        ]
        rows = []
        for batch in self._figures.batches:
            known = [batch.states[state] for state in told]
            rest = batch.states.total() - sum(known)
            mark = "✓" if batch.balanced else tag("span", "✗", class_="wrong")
            rows.append((batch.civil, batch.record_class, batch.seen, *known, rest, mark))
        yield table(head, rows, numbers=6)


def _alarming(alarm: Alarm) -> bool:
    """Not the one that always fires, to show that alerts arrive."""
    return ("severity", "none") not in alarm.labels


def _code(command: str) -> Html:
    """A command that is broken between words only: `--pin` is one."""
    words_of_it = (tag("span", word) for word in command.split())
    return tag("code", Html(" ".join(words_of_it)))


def _standing(*, released: bool, confirmed: bool) -> Words:
    if released:
        return words.RELEASED
    return words.STANDING if confirmed else words.UNCONFIRMED
