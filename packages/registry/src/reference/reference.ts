/**
 * An image reference taken apart: where the registry is, which repository, and which image of it.
 * Docker's defaults are filled in: `busybox` is `docker.io`, `library/busybox`, `latest`.
 */
export interface Reference {
  /** Host name or address with optional port, as typed: `docker.io`, `127.0.0.1:5000`, `[::1]:5000`. */
  readonly registry: string
  /** Path within the registry: `library/busybox`. */
  readonly repository: string
  /** Tag; `latest` when neither tag nor digest was given. */
  readonly tag?: string
  /** Digest of the manifest or index. It wins over the tag. */
  readonly digest?: string
}
