import type { ImageRunConfig } from '@ctr/registry'
import { withEnv } from '../images/changes/changed-config.js'
import type { RunOptions } from '../options.js'

/** What a container was told to be other than its image. */
export type GivenConfig = Pick<
  RunOptions,
  'command' | 'entrypoint' | 'env' | 'unsetEnv' | 'cwd' | 'user' | 'labels' | 'stopSignal'
>

/** What is kept of options, for an image that is made of the container. */
export function givenConfig({
  command,
  entrypoint,
  env,
  unsetEnv,
  cwd,
  user,
  labels,
  stopSignal,
}: RunOptions): GivenConfig {
  return { command, entrypoint, env, unsetEnv, cwd, user, labels, stopSignal }
}

/** What containers run that are made of an image of a container: the same, as Docker has it. */
export function runConfigOf(image: ImageRunConfig, given: GivenConfig): ImageRunConfig {
  const { command, entrypoint, env, unsetEnv = [], cwd, user, labels, stopSignal } = given
  const inherited = (image.Env ?? []).filter((entry) => !unsetEnv.includes(entry.split('=', 1)[0]!))
  return {
    ...image,
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint, Cmd: [] }),
    ...(command === undefined ? {} : { Cmd: command }),
    ...(env === undefined ? {} : { Env: withEnv(inherited, Object.entries(env)) }),
    ...(cwd === undefined ? {} : { WorkingDir: cwd }),
    ...(user === undefined ? {} : { User: user }),
    ...(labels === undefined ? {} : { Labels: { ...image.Labels, ...labels } }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  }
}

/** A config with members of another one in front of it: sets, labels and variables are those of both. */
export function mergedConfig(config: ImageRunConfig, front: ImageRunConfig): ImageRunConfig {
  const both = (name: 'ExposedPorts' | 'Volumes'): ImageRunConfig =>
    front[name] === undefined ? {} : { [name]: [...new Set([...(config[name] ?? []), ...front[name]])] }
  const pairs = front.Env?.map(
    (entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)] as const,
  )
  return {
    ...config,
    ...front,
    ...both('ExposedPorts'),
    ...both('Volumes'),
    ...(pairs === undefined ? {} : { Env: withEnv(config.Env ?? [], pairs) }),
    ...(front.Labels === undefined ? {} : { Labels: { ...config.Labels, ...front.Labels } }),
  }
}
