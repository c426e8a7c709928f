import type { RunOptions, StartContainerOptions } from '../options.js'
import type { NamedVolume } from '../volume-options.js'
import type { ContainerVolume } from './container-volume.js'

/** Options that a container is started with, again and again: all but its streams, as JSON. */
export type KeptOptions = Omit<
  RunOptions,
  'stdin' | 'stdout' | 'stderr' | 'detach' | 'autoRemove' | 'userNamespace' | 'signal'
>

/** What is kept of options: volumes that were made for the container are its own from now on, by their names. */
export function keptOptions(options: KeptOptions, made: readonly ContainerVolume[]): KeptOptions {
  const others = (options.volumes ?? []).filter(
    (volume) => volume.source !== undefined || volume.image !== undefined,
  )
  const named = made.map(({ name, target }): NamedVolume => {
    const asked = options.volumes?.find((volume) => volume.target === target)
    const subpath = asked?.source === undefined ? asked?.subpath : undefined
    return { volume: name, target, readOnly: asked?.readOnly, subpath, copy: false }
  })
  return { ...options, volumes: [...others, ...named] }
}

/** Options for one run. */
export function optionsOfRun(
  kept: KeptOptions,
  { stdin, stdout, stderr, terminalSize, extraHosts }: StartContainerOptions,
): RunOptions {
  const options = { ...kept, extraHosts: { ...kept.extraHosts, ...extraHosts } }
  if (kept.terminal !== true) return { ...options, stdin, stdout, stderr, detach: true }
  return { ...options, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', terminal: terminalSize ?? true }
}
