/** A file or folder of the host that is mounted in a container: a bind, or what a volume has. */
export interface ContainerMount {
  /** Path on the host. */
  readonly source: string
  /** Absolute path in the container. */
  readonly target: string
  readonly readOnly: boolean
  readonly kind: 'folder' | 'file'
}
