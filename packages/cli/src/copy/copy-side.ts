import type { Readable } from 'node:stream'

/** Whose files become. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What lies at a path. */
export interface CopyStatus {
  readonly isFolder: boolean
  /** Of a link, where it leads in the end. */
  readonly linkTarget: string | undefined
}

export interface PackRequest {
  /** What it is to be called in the tar. */
  readonly name?: string | undefined
  /** Whose everything is to be in the tar. Only the host's side does that. */
  readonly owner?: Owner | undefined
  readonly signal: AbortSignal
}

/** A plain tar. */
export interface Packed {
  readonly tar: Readable
  /** What the first component of every name in it is to become, where it could not be named as asked for. */
  readonly top?: string | undefined
}

export interface UnpackRequest {
  /** Whose everything becomes. Without it files stay whose the archive says; a daemon's side has no other way. */
  readonly owner?: Owner | undefined
  /** See {@link Packed}. Only the host's side does that. */
  readonly top?: string | undefined
  readonly signal: AbortSignal
}

/** One end of a copy: the files of a container, or those of the host. */
export interface CopySide {
  /** What lies at a path; undefined where there is nothing. */
  stat(path: string): Promise<CopyStatus | undefined>
  /** A tar of a file, or of a folder with everything in it. */
  pack(path: string, request: PackRequest): Promise<Packed>
  /** Unpacks a tar into a folder that is there. */
  unpack(tar: Readable, folder: string, request: UnpackRequest): Promise<void>
}
