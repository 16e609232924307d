"""Three things the Linux kernel offers and the standard library does not."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_NO_REPLACE = 1  # RENAME_NOREPLACE of renameat2(2)


def _raise_errno() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def rename_unless_taken(source_fd: int, source: bytes, target_fd: int, target: bytes) -> None:
    """Rename a file of any type in one step, or raise `FileExistsError`; see renameat2(2)."""
    if _libc.renameat2(source_fd, source, target_fd, target, _NO_REPLACE) != 0:
        _raise_errno()


def sync_file_system(fd: int) -> None:
    """Make everything durable on the file system `fd` lies on; see syncfs(2)."""
    if _libc.syncfs(fd) != 0:
        _raise_errno()


def mount_of(fd: int) -> int:
    """Tell the id of the mount through which `fd` was opened (proc(5), fdinfo).

    A bind mount has the device of what it shows, so the device alone does not tell it apart.
    """
    info = os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _, _, rest = os.read(info, 4096).partition(b"mnt_id:")
    finally:
        os.close(info)
    return int(rest.split(maxsplit=1)[0])
