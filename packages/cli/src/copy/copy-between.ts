import { basename, dirname } from 'node:path/posix'
import { CliError } from '../errors.js'
import type { CopySide, CopyStatus, Owner } from './copy-side.js'

/** What to copy from where, and how. */
export interface Copy {
  readonly from: CopySide
  readonly source: string
  readonly to: CopySide
  readonly target: string
  /** A link as source: copies what it leads to. */
  readonly followLink: boolean
  readonly owner: Owner | undefined
  readonly signal: AbortSignal
}

/**
 * Copies a file or a folder by the rules of `docker cp`: into a folder that is there, else under the name that the
 * target says; a source that ends in `/.` means what is in the folder. Files that are there are replaced, folders never
 * make room for files.
 *
 * @throws {@link CliError} `ERR_CLI_COPY`: there is no such source, or the target cannot take it.
 * @throws What the sides do.
 */
export async function copyBetween({ from, to, owner, signal, ...copy }: Copy): Promise<void> {
  const given = await statFollowed(from, copy.source, copy.followLink)
  if (given === undefined) throw copyError(copy.source, 'no such file or directory')
  const { folder, name } = await placeFor(to, copy.target, {
    isFolder: given.status.isFolder,
    // of `DIR/.` and of the root what is in it
    name: /^\/*$|(^|\/)\.$/.test(copy.source) ? '.' : basename(copy.source),
  })
  const { tar, top } = await from.pack(given.path, { name, owner, signal })
  try {
    await to.unpack(tar, folder, { top, owner, signal })
  } finally {
    tar.destroy()
  }
}

/** Where what is copied goes: a folder that is there, and its name in there. */
async function placeFor(
  to: CopySide,
  target: string,
  source: { readonly isFolder: boolean; readonly name: string },
): Promise<{ readonly folder: string; readonly name: string }> {
  const there = await statFollowed(to, target, true)
  if (there !== undefined && there.status.isFolder) return { folder: there.path, name: source.name }
  if (there === undefined && target.endsWith('/') && !source.isFolder)
    throw copyError(target, 'the destination directory must exist')
  if (there !== undefined && source.isFolder) throw copyError(target, 'cannot copy a directory over a file')
  const path = (there?.path ?? target).replace(/\/+$/, '')
  const parent = await statFollowed(to, dirname(path), true)
  if (parent === undefined) throw copyError(dirname(path), 'no such directory')
  return { folder: parent.path, name: basename(path) }
}

/** A link that leads nowhere is followed to where it leads. */
async function statFollowed(
  side: CopySide,
  path: string,
  follow: boolean,
): Promise<{ readonly path: string; readonly status: CopyStatus } | undefined> {
  const status = await side.stat(path)
  if (status === undefined) return undefined
  if (!follow || status.linkTarget === undefined) return { path, status }
  const target = await side.stat(status.linkTarget)
  return target === undefined ? undefined : { path: status.linkTarget, status: target }
}

function copyError(path: string, why: string): CliError {
  return new CliError('ERR_CLI_COPY', `cannot copy: ${path}: ${why}`)
}
