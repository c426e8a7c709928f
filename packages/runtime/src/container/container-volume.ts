/** A volume that is mounted in a container. */
export interface ContainerVolume {
  readonly name: string
  /** Absolute path in the container. */
  readonly target: string
  /** It was made for this container, without a name. */
  readonly anonymous: boolean
}
