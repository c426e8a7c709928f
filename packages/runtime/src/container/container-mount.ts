/** A file or folder that is mounted in a container: a bind, or what a volume or an image has. */
export interface ContainerMount {
  /** Path on the host, or the id of an image. */
  readonly source: string
  /** A path below that, which is followed inside of it alone. Default: all of it. */
  readonly subpath?: string | undefined
  /** Layers of the image, from the lowest to the highest, where it is one. */
  readonly layers?: readonly string[] | undefined
  /** Absolute path in the container. */
  readonly target: string
  readonly readOnly: boolean
  readonly kind: 'folder' | 'file'
}
