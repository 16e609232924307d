"""What recorders, people and other programs do to the store; the observer is told the truth of it."""

import os
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

from model.box import Box
from model.grounds import BucketGround, TreeGround
from model.reference import CLASSES, GRACE, UNDATED, ZONE, File, Observer

from retention.calendar import DAY, Instant

MINUTE = 60


class Disk:
    """The store's files as the world changes them.

    `window` is when the last complete scan that the agent remembers began, by the true time; None
    while it remembers none. It decides what an honest reader makes of a date.
    """

    def __init__(self, box: Box, observer: Observer) -> None:
        self._box = box
        self._ground = box.ground
        self._observer = observer
        self._numbers = count(1)
        self.window: Instant | None = None
        self.scanning: Instant | None = None  # since then, if a scan is under way
        self.window_unsure = 0  # seconds by which nobody knows when that was
        self.erased: list[File] = []  # by the agent
        self.taken_back = 0  # of these, before the agent saw that they were gone
        self.arrivals: list[
            Instant
        ] = []  # when a whole scan had seen a name that no backlog explains
        self.unseen: list[
            Instant
        ] = []  # when others came, which it may yet see, or part of one has

    def record(self, directory: str, *, named: bool, own_clock: bool = True) -> File:
        """A recorder writes a file; `own_clock`: its mtime is the terminal's, else the true time."""
        now = self._box.true.now
        path = self._path(directory, now if named else None)
        mtime = self._box.clock.wall() if own_clock else now
        return self._arrive(path, self._content(), now, mtime, named=named)

    def deposit(self, directory: str, age: int, *, named: bool, dated: bool = True) -> File:
        """A recording of `age` seconds ago is laid down: a backlog at first, later a late copy."""
        dated = dated and self._ground.tells_mtimes
        begins = Instant(self._now - age if named or dated else self._now)  # else nobody can tell
        path = self._path(directory, begins if named else None)
        return self._arrive(path, self._content(), begins, begins if dated else 0, named=named)

    def copy(self, path: str, directory: str) -> File:
        """The same bytes again, under a name that says nothing."""
        known = self._observer.files[path]
        target = self._path(directory, None)
        mtime = self._box.clock.wall()
        file = self._arrive(target, known.content, known.begins, mtime, named=False)
        self._same_recording(file, known)
        return file

    def link(self, path: str, directory: str) -> File:
        """Another name for the same bytes."""
        known = self._observer.files[path]
        target = self._path(directory, None)
        (self._root / target).hardlink_to(self._root / path)
        perhaps = set(known.perhaps)
        file = replace(
            known, path=target, came=self._now, touched=self._now, holds=set(), perhaps=perhaps
        )
        says_so = min(filter(None, known.says), default=self._now)
        file.late = directory == "copies" and self.window is not None and says_so < self.window
        self._observer.files[target] = file
        self._came()
        self._same_recording(file, known)
        return file

    def link_outside(self, path: str) -> None:
        """A name for the same bytes where no agent looks."""
        known = self._observer.files[path]
        number = next(self._numbers)
        (self._outside / f"{number}.jpg").hardlink_to(self._root / path)
        for file in self._observer.of_inode(known.inode):
            file.blocked = True

    def clear_outside(self) -> None:
        """The names outside go."""
        for path in self._outside.glob("[0-9]*.jpg"):
            path.unlink()
        for file in self._observer.files.values():
            if file.blocked:
                file.blocked = False
                self._observer.excuse(file, self._now)

    def point_outside(self, directory: str) -> None:
        """A symbolic link that leads out of the store, under an old name."""
        path = self._root / self._path(directory, Instant(self._now - 90 * DAY))
        path.symlink_to(self._outside / "secret.jpg")

    def move(self, path: str, directory: str) -> File:
        """The file goes to another directory and keeps its name."""
        file = self._observer.files[path]
        title = f"{directory}/{(file.title or path).rpartition('/')[2]}"
        file.path = self._ground.move(path, title)
        if file.path == path:
            return file
        del self._observer.files[path]
        file.title = title if file.title else ""
        file.touched = self._now
        if file.met is None and self.scanning is not None:  # which may have passed there already
            file.latest = max(file.latest, self._now)
        self._observer.files[file.path] = file
        self._came()  # which a scan that meets it before it misses it takes it for
        return file

    def rewrite(self, path: str) -> File:
        """A recorder writes over the file: another recording in the same inode."""
        old = self._observer.files[path]
        content, mtime = self._content(), self._box.clock.wall()
        with (self._root / path).open("r+b") as file:
            file.truncate()
            file.write(self._bytes(path, content))
        self._set_mtime(path, mtime)
        for hold in self._observer.holds.values():
            if old.content in hold.contents:
                hold.contents.add(content)
        names = self._observer.of_inode(old.inode)
        for name in names:
            self._observer.files[name.path] = self._rewritten(name, content, mtime)
        return self._observer.files[path]

    def replace(self, path: str) -> File:
        """Another file takes the name."""
        fresh = self._outside / "fresh"
        content, mtime = self._content(), self._box.clock.wall()
        fresh.write_bytes(self._bytes(path, content))
        self._forget(path)
        fresh.rename(self._root / path)
        begins = self._written(path, mtime)
        # A name says nothing of what came under it since a scan, where nothing comes late.
        imports = path.startswith("copies/")
        named = (imports or self.window is None) and path.rpartition("/")[2][:1].isdigit()
        if named and self.window is not None:
            begins = _moment_in(path)
        file = self._arrive(path, content, begins, mtime, named=named, written=True)
        file.replaces = True
        return file

    def remove(self, path: str) -> None:
        """Somebody else deletes it."""
        if self._ground.remove(path):
            self._forget(path)

    def come_back(self, file: File) -> File | None:
        """Erased or removed bytes come back from a backup, under their old name."""
        title = file.title or file.path
        if file.path in self._observer.files and not self._ground.keeps_versions:
            return None
        named = title.rpartition("/")[2][:1].isdigit()
        says = file.says[-1] if file.says else self._now
        if not named and abs(says - file.begins) > DAY:  # a wrong clock's: nobody can tell better
            file = replace(file, begins=says, ends=says)
        back = self._arrive(title, file.content, file.begins, says, named=named)
        self._same_recording(back, file)
        under_way = self._box.rows("SELECT 1 FROM intents")
        self.taken_back += bool(under_way) and (back.path, back.inode) == (file.path, file.inode)
        return back

    def mark(self, path: str) -> None:
        """The locker's software marks an incident beside the file."""
        self._ground.mark(path)

    def forget_windows(self) -> None:
        """The agent's memory is gone, or older: from now on only what files say counts."""
        for file in self._observer.files.values():
            honest = [t for t in file.says if t]
            file.earliest = Instant(min([file.earliest, *honest]))
            file.latest = Instant(max([file.latest, file.came, *honest]))
            file.not_before = Instant(0)
            if not (file.undated or file.named):
                file.undated, file.forgotten = True, bool(honest)
            self._observer.excuse(file, self._now + UNDATED + GRACE)

    @property
    def _root(self) -> Path:
        assert isinstance(self._ground, TreeGround)
        return self._ground.root

    @property
    def _outside(self) -> Path:
        assert isinstance(self._ground, TreeGround)
        return self._ground.outside

    @property
    def _now(self) -> Instant:
        return self._box.true.now

    def _content(self) -> int:
        return next(self._numbers)

    def _path(self, directory: str, moment: Instant | None) -> str:
        """A new name; with a moment, one that says it in local time."""
        number = next(self._numbers)
        if moment is None:
            return f"{directory}/img{number}.jpg"
        return f"{directory}/{datetime.fromtimestamp(moment, ZONE):%Y%m%d-%H%M%S}-{number}.jpg"

    def _arrive(
        self, title: str, content: int, begins: Instant, mtime: int, *, named: bool, written=False
    ) -> File:
        path, inode = (
            (title, (self._root / title).stat().st_ino)
            if written
            else self._ground.put(title, self._bytes(title, content))
        )
        says = [_moment_in(title)] if title.rpartition("/")[2][:1].isdigit() else []
        if self._ground.tells_mtimes:
            self._set_mtime(path, mtime)
            says.append(Instant(mtime))
        believed = self._ground.states_times or title.split("/", maxsplit=1)[0] in CLASSES
        file = File(
            path=path,
            inode=inode,
            content=content,
            begins=begins,
            ends=begins,
            earliest=begins,
            latest=begins,
            came=self._now,
            touched=self._now,
            says=tuple(says),
            named=named and believed,
            doomed=any(each.content == content for each in self.erased),
            untold=self.window_unsure > 0,
            unsure=self.window_unsure,
            title=title if title != path else "",
        )
        self._date(file)
        self._observer.files[path] = file
        self._came()
        return file

    def _came(self) -> None:
        if self.window is not None:
            self.unseen.append(self._now)

    def scanned(self, since: Instant) -> None:
        """A whole scan is over that began then."""
        self.window, self.window_unsure = since, 0
        self.arrivals += [self._now for came in self.unseen if came <= since]
        self.unseen = [came for came in self.unseen if came > since]

    def _date(self, file: File) -> None:
        """What an honest reader makes of it, who knows since when it can lie there."""
        now, window = self._now, self.window
        says = file.says[:1] if file.named else file.says
        honest = [t for t in says if 0 < t <= now + MINUTE]  # nothing is recorded later
        if window is None:
            file.earliest = Instant(min([*honest, now]))
            if not file.named:
                file.undated = not honest
                file.forgotten = file.undated and any(
                    says
                )  # for the clock from the future that wrote it
                file.latest = now if file.undated else file.begins
            if self.scanning is not None:  # whether the first scan comes to it yet nobody can tell
                file.latest, file.forgotten = now, file.undated
            return
        oldest = min([file.begins, *honest])
        file.nearly_late = file.source == "copies" and oldest < window + MINUTE
        if file.source == "copies" and oldest < window:
            file.late = True
            file.not_before = Instant(now + GRACE - self._observer.slack)
        elif file.begins < window or not file.named:
            file.earliest = Instant(min(window, now))
            file.latest = now

    def _same_recording(self, file: File, known: File) -> None:
        """Content that was met before keeps its old date; until it is met, its own counts."""
        file.begins, file.ends = known.begins, known.ends
        file.came = min(file.came, known.came)  # if its name goes, this is the same file moved
        for twin in [known, *self._observer.twins(file)]:
            date = twin.begins if twin.overwritten else twin.earliest
            file.earliest = min(file.earliest, date)
        file.latest = max(file.latest, self._now)
        file.says = tuple({*file.says, *known.says})
        file.undated = file.undated or known.undated
        file.untold = known.untold
        file.corrected, file.held_by_own = known.corrected, known.held_by_own
        file.forgotten = file.forgotten or known.forgotten
        file.not_before = Instant(0)
        self._observer.excuse(file, self._now + 2 * GRACE)

    def _rewritten(self, name: File, content: int, mtime: int) -> File:
        begins = self._written(name.path, mtime)
        return replace(
            name,
            content=content,
            had=name.had | {name.content},
            begins=begins,
            ends=begins,
            earliest=min(name.earliest, self._now),
            latest=self._now,
            says=(*name.says, Instant(mtime)),
            overwritten=not name.named and name.met is not None,
            undated=False,  # whatever was there before: this was written when its mtime says
            untold=False,
            corrected=None,
            unsure=0,
            holds=set(),
            touched=self._now,
        )

    def _written(self, path: str, mtime: int) -> Instant:
        """When bytes were written that have another's name.

        Before any scan was there to say since when they lie there, nobody can tell better.
        """
        if self.window is not None:
            return self._now
        if mtime <= self._now:
            return Instant(mtime)
        return _moment_in(path) if path.rpartition("/")[2][:1].isdigit() else self._now

    def _forget(self, path: str) -> None:
        file = self._observer.files.pop(path)
        self._observer.away[file.inode] = file

    def _bytes(self, _title: str, content: int) -> bytes:
        return b"\xff\xd8\xff recording %d" % content

    def _set_mtime(self, path: str, moment: int) -> None:
        os.utime(self._root / path, (moment, moment))


class BucketDisk(Disk):
    """Of a bucket: what is written over is still there, as an older version."""

    def rewrite(self, path: str) -> File:
        """Another recording under the key of this one, whose moment its name may say still."""
        title = self._observer.files[path].title
        name = title.rpartition("/")[2]
        if self.window is not None and title.startswith("copies/") and name[:1].isdigit():
            # Where recordings come late nothing tells this one from one of that moment.
            return self._arrive(title, self._content(), _moment_in(title), 0, named=True)
        return self._arrive(title, self._content(), self._now, 0, named=False)

    def begin(self, directory: str) -> File:
        """A recorder begins to upload, by the server's clock now; what comes of it nobody knows for a day."""
        title, now = self._path(directory, None), self._now
        path, inode = self._bucket.begin(title)
        file = File(
            path=path,
            inode=inode,
            content=self._content(),
            begins=now,
            ends=Instant(now + DAY),
            earliest=now,
            latest=now,
            came=now,
            touched=now,
            says=(now,),
            named=True,
            title=title,
            begun=True,
        )
        self._date(file)
        self._observer.files[path] = file
        self._came()
        return file

    def complete(self, path: str) -> File:
        """It is whole: an object, of which nothing tells when it was begun."""
        title = self._observer.files[path].title
        self.remove(path)
        return self._arrive(title, self._content(), self._now, 0, named=False)

    def copy(self, path: str, directory: str) -> File:
        """The same bytes again; nobody has those of an upload."""
        known = self._observer.files[path]
        return known if known.begun else super().copy(path, directory)

    def come_back(self, file: File) -> File | None:
        """Bytes come back from a backup, which has no uploads."""
        return None if file.begun else super().come_back(file)

    @property
    def _bucket(self) -> BucketGround:
        assert isinstance(self._ground, BucketGround)
        return self._ground


class CallDisk(Disk):
    """Of calls: what is recorded is a call, of which more may come later, and a row of it."""

    KINDS = (".wav", "-b.wav", ".json", "-transcript.txt", "")

    def record(self, directory: str, *, named: bool, own_clock: bool = True) -> File:
        """A call that begins now."""
        del own_clock
        return self.deposit(directory, 0, named=named)

    def deposit(self, directory: str, age: int, *, named: bool, dated: bool = True) -> File:
        """The recording of a call that began so long ago; where it lies, all is of one class."""
        del named, dated
        directory = directory if directory == "odd" else "front"
        begins = Instant(self._now - age)
        call = f"{datetime.fromtimestamp(begins, ZONE):%Y%m%d-%H%M%S}-{next(self._numbers)}"
        return self._of_call(f"{directory}/{call}", ".wav", self._content(), begins)

    def add(self, file: File, kind: str) -> File | None:
        """One more part of the call that this file is of; none if it has that and keeps one alone."""
        call = file.whole
        title = f"cdr/{call.rpartition('/')[2]}" if not kind else call + kind
        taken = any((each.title or each.path) == title for each in self._observer.files.values())
        if taken and not self._ground.keeps_versions:
            return None
        part = self._of_call(call, kind, file.content, file.begins)
        self._same_recording(part, file)
        return part

    def come_back(self, file: File) -> File | None:
        """A part that was erased comes back from a backup."""
        back = super().come_back(file)
        if back is not None:
            back.whole, back.recording = file.whole, file.recording
        return back

    def _of_call(self, call: str, kind: str, content: int, begins: Instant) -> File:
        title = f"cdr/{call.rpartition('/')[2]}" if not kind else call + kind
        file = self._arrive(title, content, begins, begins, named=True)
        file.whole, file.recording = call, kind.endswith(".wav")
        file.named |= not kind  # a row states its start, wherever it lies
        return file

    def _bytes(self, title: str, content: int) -> bytes:
        """Of each part its own."""
        return b"RIFF....WAVE" + b"recording %d of " % content + title.encode()

    def _set_mtime(self, path: str, moment: int) -> None:
        if not path.startswith("cdr/"):
            super()._set_mtime(path, moment)


DISKS: dict[str, type[Disk]] = {
    "bucket": BucketDisk,
    "calls": CallDisk,
    "calls in a bucket": CallDisk,
}


def _moment_in(path: str) -> Instant:
    text = path.rpartition("/")[2][:15]
    local = datetime.strptime(text, "%Y%m%d-%H%M%S").replace(tzinfo=ZONE)
    return Instant(int(local.timestamp()))
