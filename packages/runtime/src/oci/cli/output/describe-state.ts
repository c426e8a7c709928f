import type { OciContainer } from '../../container.js'

/** A container as `state` and `list` print it: the spec's state and what runtimes add to it. */
export interface DescribedState {
  readonly ociVersion: string
  readonly id: string
  /** 0 when it has stopped. */
  readonly pid: number
  readonly status: string
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339. */
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner: string
}

/** Describes a container; the order of the fields is that of the output. */
export function describeState(container: OciContainer): DescribedState {
  const { ociVersion, id, pid, status, bundle, annotations } = container.state()
  return {
    ociVersion,
    id,
    pid,
    status,
    bundle,
    rootfs: container.rootfs,
    created: container.created,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    owner: container.owner,
  }
}
