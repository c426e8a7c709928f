/** Owner and permissions in the layer. */
interface Owned {
  /** Path in the image; a leading slash means nothing. */
  readonly path: string
  /** Permissions, `0o0000` to `0o7777`. Default 0755 for folders and host files that are executable, else 0644. */
  readonly mode?: number | undefined
  /** Default 0. */
  readonly uid?: number | undefined
  /** Default 0. */
  readonly gid?: number | undefined
}

/** One file of a layer that is to be packed, and where it comes from. */
export type LayerSource =
  | (Owned & { readonly type: 'file'; /** A file of the host. */ readonly source: string })
  | (Owned & {
      readonly type: 'file'
      /** Text is written as UTF-8. */ readonly content: string | Uint8Array
    })
  | (Owned & { readonly type: 'directory' })
  | (Owned & { readonly type: 'symlink'; /** What the link says. */ readonly target: string })
