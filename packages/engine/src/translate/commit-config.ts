import type { Healthcheck, ImageRunConfig } from '@ctr/registry'
import type { CommitBody } from '../http/schemas/commit.js'
import type { CreateBody } from '../http/schemas/create-container.js'
import { wordsOf } from './words.js'

/**
 * What goes into an image of a container besides what the runtime knows of it: what only the engine keeps, and what the
 * request says.
 */
export function commitConfig(created: CreateBody, asked: CommitBody): ImageRunConfig {
  const { ExposedPorts, Volumes, Healthcheck } = created
  return withoutUnset<ImageRunConfig>({
    ExposedPorts: keysOf(ExposedPorts, asked?.ExposedPorts),
    Volumes: keysOf(Volumes, asked?.Volumes),
    Healthcheck: healthcheckOf(asked?.Healthcheck ?? Healthcheck),
    Cmd: wordsOf(asked?.Cmd),
    Entrypoint: wordsOf(asked?.Entrypoint),
    Env: asked?.Env?.map((entry) => (entry.includes('=') ? entry : `${entry}=`)),
    Labels: asked?.Labels,
    User: asked?.User,
    WorkingDir: asked?.WorkingDir,
    StopSignal: asked?.StopSignal,
  })
}

function keysOf(...sets: readonly (object | null | undefined)[]): readonly string[] {
  return sets.flatMap((set) => Object.keys(set ?? {}))
}

function healthcheckOf(value: CreateBody['Healthcheck']): Healthcheck | undefined {
  return value == null ? undefined : withoutUnset<Healthcheck>(value)
}

/** Go writes null, and empty texts and lists, for what is not set. */
function withoutUnset<T extends object>(members: {
  readonly [K in keyof T]?: T[K] | null | undefined
}): Partial<T> {
  const isSet = (value: unknown): boolean =>
    value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(members).filter(([, value]) => isSet(value))) as Partial<T>
}
