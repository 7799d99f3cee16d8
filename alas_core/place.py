"""A folder on disk or at any fsspec URL, in which a file is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import posixpath
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from alas_core.errors import AlasError, StoreError

_TEMPORARY = ".tmp"


class Place:
    """Reads, writes and lists the files of one folder, by names relative to it.

    On disk a file is written under a temporary name, flushed to the device and renamed; at an
    object store one put is one whole object. Nothing is cached: other programs write here, too.

    Parameters
    ----------
    url : str
        A folder, or "s3://bucket/runs/1", "memory://x" and whatever else fsspec knows.

    Raises
    ------
    StoreError
        From the constructor if fsspec cannot serve such an address; from every method if the
        place cannot be read or written, in words for the user.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url)
        try:
            # Listings are never cached: other machines write here, too.
            fs, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        except (ValueError, ImportError, OSError) as error:
            raise StoreError(
                f"'{self.url}' cannot be used ({error}), expected a folder or an address that "
                "fsspec knows, such as s3://bucket/folder; check it, or install what it needs"
            ) from error
        self._fs: Any = fs
        self._root: str = root.rstrip("/")

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine (or mounted on it)."""
        return isinstance(self._fs, LocalFileSystem)

    @property
    def filesystem(self) -> Any:
        """The fsspec file system, for libraries that read tables."""
        return self._fs

    def path(self, name: str) -> str:
        """The path that the file system knows the file by."""
        return posixpath.join(self._root, name)

    def read(self, name: str) -> bytes | None:
        """The file's content, or None if there is no such file."""
        with self._told("read", name):
            try:
                content: bytes = self._fs.cat_file(self.path(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return content

    def has(self, name: str) -> bool:
        """Whether there is such a file; nothing of it is read."""
        with self._told("read", name):
            self._fs.invalidate_cache()
            return bool(self._fs.isfile(self.path(name)))

    def read_many(self, names: Sequence[str]) -> dict[str, bytes]:
        """The content of those files that are there, read at the same time where that helps."""
        if self.local:
            found = ((name, self.read(name)) for name in names)
            return {name: content for name, content in found if content is not None}
        with self._told("read", names[0] if names else ""):
            paths = {self.path(name).lstrip("/"): name for name in names}
            contents = self._fs.cat(list(paths), on_error="omit")
            return {paths[path.lstrip("/")]: content for path, content in contents.items()}

    def write(self, name: str, content: bytes) -> None:
        """Write the whole file over what was there, or leave what was there."""
        if self.local:
            with self.writing(name) as file:
                file.write(content)
            return
        with self._told("written", name):
            self._fs.pipe_file(self.path(name), content)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file to write a large content into; it takes its name when the block ends well."""
        with self._told("written", name), self._temporary(name) as temporary:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if self.local:
                temporary.replace(self.path(name))
            else:
                self._fs.put_file(str(temporary), self.path(name))

    def create(self, name: str, content: bytes) -> bool:
        """Write the file if there is none of that name; False if there is one."""
        with self._told("written", name):
            try:
                if self.local:
                    self._create_here(name, content)
                else:
                    self._fs.pipe_file(self.path(name), content, mode="create")
            except FileExistsError:
                return False
            return True

    def _create_here(self, name: str, content: bytes) -> None:
        path = Path(self.path(name))
        with self._temporary(name) as temporary:
            temporary.write_bytes(content)
            try:
                path.hardlink_to(temporary)
            except FileExistsError:
                raise
            except OSError:  # a file system without links: readers may see it before it is whole
                with path.open("xb") as file:
                    file.write(content)

    def names(self, folder: str) -> list[str]:
        """Names of the files of a folder below this place; none if there is no such folder."""
        with self._told("read", folder):
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self.path(folder), detail=False)
            except FileNotFoundError:
                return []
            names = (posixpath.basename(path.rstrip("/")) for path in found)
            return sorted(name for name in names if not name.endswith(_TEMPORARY))

    def sweep(self, folder: str) -> None:
        """Remove what a killed writer left half-written in a folder on disk."""
        if self.local:
            with self._told("swept", folder):
                for left in Path(self.path(folder)).glob(f"*{_TEMPORARY}"):
                    left.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        with self._told("removed", name), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self.path(name))

    @contextlib.contextmanager
    def _temporary(self, name: str) -> Iterator[Path]:
        """A path beside the file, or in the system's folder if the place is not on disk."""
        target = Path(self.path(name)) if self.local else Path(tempfile.gettempdir(), "alas")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}{_TEMPORARY}")
        try:
            yield temporary
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self, done: str, name: str) -> Iterator[None]:
        """What a storage library raises, as one sentence for the user."""
        try:
            yield
        except AlasError:
            raise
        except Exception as error:  # network libraries raise what they like
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise StoreError(
                f"'{name}' in '{self.url}' cannot be {done} ({reason}), expected a place that is "
                "there, with room and permission; mend that, or choose another place"
            ) from error
