import type { ContainerMount } from '@ctr/runtime'
import type { ManagedContainer } from '../containers/managed-container.js'

/** What of images is mounted in a container. */
export function imageMountsOf({ handle }: ManagedContainer): readonly ContainerMount[] {
  return handle.inspect().mounts.filter(({ layers }) => layers !== undefined)
}

/** `Mounts` of a container. */
export function mountsOf(
  container: ManagedContainer,
  volumesFolder: string,
): readonly Record<string, unknown>[] {
  const { handle } = container
  const { volumes, options } = handle.inspect()
  const asked = options?.volumes ?? []
  const isReadOnly = (target: string): boolean =>
    asked.some((one) => one.target === target && one.readOnly === true)
  const ofHost = asked.flatMap((volume) =>
    volume.source === undefined
      ? []
      : [
          {
            Type: 'bind',
            Source: volume.source,
            Destination: volume.target,
            Mode: volume.readOnly === true ? 'ro' : '',
            RW: volume.readOnly !== true,
            Propagation: volume.propagation ?? 'rprivate',
          },
        ],
  )
  const named = volumes.map(({ name, target, anonymous }) => ({
    Type: 'volume',
    Name: name,
    Source: `${volumesFolder}/${name}/data`,
    Destination: target,
    Driver: 'local',
    Mode: isReadOnly(target) ? 'ro' : anonymous ? '' : 'z',
    RW: !isReadOnly(target),
    Propagation: '',
  }))
  const ofImages = imageMountsOf(container).map(({ source, target }) => ({
    Type: 'image',
    Source: source,
    Destination: target,
    Mode: '',
    RW: false,
    Propagation: '',
  }))
  const inMemory = (container.document.body.HostConfig?.Mounts ?? [])
    .filter(({ Type }) => Type === 'tmpfs')
    .map(({ Target, ReadOnly }) => ({
      Type: 'tmpfs',
      Source: '',
      Destination: Target,
      Mode: '',
      RW: ReadOnly !== true,
      Propagation: '',
    }))
  return [...ofHost, ...named, ...inMemory, ...ofImages]
}
