/** A file or folder of the host that is mounted in a container: a bind, or what a volume has. */
export interface ContainerMount {
  /** Path on the host. */
  readonly source: string
  /** A path below that, which is followed inside of it alone. Default: all of it. */
  readonly subpath?: string | undefined
  /** Absolute path in the container. */
  readonly target: string
  readonly readOnly: boolean
  readonly kind: 'folder' | 'file'
}
