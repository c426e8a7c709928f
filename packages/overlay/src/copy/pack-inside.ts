import { closeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { byteStringOf } from '../files/byte-string.js'
import { pathInTree } from '../files/path-in-tree.js'
import { placeTarStream } from '../pack/pack-tree.js'
import { closing, openPlace, openRoot, statusOf, type FileStatus } from './place.js'

/** A file or folder of a tree on its way out. */
export interface PackedPath {
  readonly status: FileStatus
  /** A plain tar. Read it to its end, or destroy it. */
  readonly tar: Readable
}

/** Settings of {@link packInside}. */
export interface PackInsideOptions {
  /** What it is called in the tar instead of the path's last component. */
  readonly name?: string | undefined
  /** Everything is this owner's, whoever has it in the tree. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Ends the work: the tar fails with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
}

/**
 * What lies at a path of a tree that one does not trust, a container's root for example, as `lstat` tells it.
 *
 * The path is resolved as a process with that root would, by the kernel (openat2(2)), whatever is renamed or linked
 * anew meanwhile: absolute links and `..` never lead out, links of `/proc` are not followed. A link at its end is not
 * followed unless the path ends in a slash or in `/.`.
 *
 * @param root - The tree: a path that is trusted, or a descriptor of its root folder (a detached mount too).
 * @param path - Path in the tree; a leading slash means nothing.
 * @throws {@link OverlayError} `ERR_OVERLAY_NOT_FOUND`; `ERR_OVERLAY_INVALID_ARG`: a path that cannot be, or no folder
 *   where one is meant.
 */
export function statInside(root: string | number, path: string): FileStatus {
  const wanted = pathInTree(path)
  const folder = openRoot(root)
  using _folder = closing(folder)
  const place = openPlace(folder, wanted, 'stat')
  using _place = closing(place)
  return statusOf(folder, place, wanted)
}

/**
 * Packs what lies at a path of such a tree: a file, a link as a link, or a folder with everything in it, named as the
 * path's last component (`/` of the root, `.` where the path ends so), as Docker does. Nothing that is a link is
 * followed on the way down; what is kept of each file is told at {@link packTree}.
 *
 * @param root - See {@link statInside}; it need not stay open.
 * @param path - See {@link statInside}.
 * @throws {@link OverlayError} as {@link statInside}; later failures come out of the tar.
 *
 * @example
 * const { tar } = packInside('/srv/tree', '/etc/nginx')
 * await pipeline(tar, createWriteStream('nginx.tar'))
 */
export function packInside(
  root: string | number,
  path: string,
  { name, owner, signal }: PackInsideOptions = {},
): PackedPath {
  const wanted = pathInTree(path)
  const folder = openRoot(root)
  using _folder = closing(folder)
  const place = openPlace(folder, wanted, 'pack')
  try {
    return {
      status: statusOf(folder, place, wanted),
      tar: placeTarStream(place, name === undefined ? wanted.name : byteStringOf(name), { owner, signal }),
    }
  } catch (error) {
    closeSync(place)
    throw error
  }
}
