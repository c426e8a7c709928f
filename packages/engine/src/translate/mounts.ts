import type { ManagedContainer } from '../containers/managed-container.js'

/** `Mounts` of a container. */
export function mountsOf(
  { handle }: ManagedContainer,
  volumesFolder: string,
): readonly Record<string, unknown>[] {
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
  const named = volumes.map(({ name, target }) => ({
    Type: 'volume',
    Name: name,
    Source: `${volumesFolder}/${name}/data`,
    Destination: target,
    Driver: 'local',
    Mode: isReadOnly(target) ? 'ro' : 'z',
    RW: !isReadOnly(target),
    Propagation: '',
  }))
  return [...ofHost, ...named]
}
