import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { isOverlayError, packInside, statInside, unpackInside, type FileStatus } from '@ctr/overlay'
import type { Container } from '@ctr/runtime'

/** Whose files become. Without it they stay whose the archive says. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** One end of a copy: the files of a container, or those of the host. */
export interface CopySide {
  /** What lies at a path; undefined where there is nothing. */
  stat(path: string): Promise<FileStatus | undefined>
  /** A plain tar of it, in which it is called `name`. */
  pack(path: string, name: string | undefined, signal: AbortSignal): Promise<Readable>
  /** Unpacks a tar into a folder that is there. */
  unpack(
    tar: AsyncIterable<Uint8Array>,
    folder: string,
    owner: Owner | undefined,
    signal: AbortSignal,
  ): Promise<void>
}

/** Files of a container, running or not. */
export function containerSide({ files }: Container): CopySide {
  return {
    stat: (path) => unlessMissing(() => files.stat(path)),
    pack: async (path, name, signal) => (await files.copyOut(path, { name, signal })).tar,
    unpack: (tar, folder, owner, signal) => files.copyIn(tar, folder, { owner, signal, keepsKinds: true }),
  }
}

/** Files of the host, as the caller sees them. */
export const hostSide: CopySide = {
  stat: (path) => unlessMissing(() => statInside('/', absolute(path))),
  pack: (path, name, signal) => Promise.resolve(packInside('/', absolute(path), { name, signal }).tar),
  unpack: (tar, folder, owner, signal) =>
    unpackInside(tar, '/', absolute(folder), { owner, signal, keepsKinds: true }),
}

/** A slash or a dot at the end says that a folder is meant. */
function absolute(path: string): string {
  return `${resolve(path)}${/(^|\/)\.?$/.exec(path)?.[0] ?? ''}`
}

async function unlessMissing(stat: () => FileStatus | Promise<FileStatus>): Promise<FileStatus | undefined> {
  try {
    return await stat()
  } catch (error) {
    if (isOverlayError(error) && error.code === 'ERR_OVERLAY_NOT_FOUND') return undefined
    throw error
  }
}
