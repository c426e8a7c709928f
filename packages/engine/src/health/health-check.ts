import type { Healthcheck } from '@ctr/registry'
import { badRequest } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/** What is run to see whether a container works, how often, and how its results are taken. */
export interface HealthCheck {
  /** Program and arguments. */
  readonly command: readonly string[]
  /** From the end of a probe to the next one. */
  readonly intervalMs: number
  /** How long a probe may take; it is ended then. */
  readonly timeoutMs: number
  /** From the container's start: failures do not count before. */
  readonly startPeriodMs: number
  /** The interval within the start period. */
  readonly startIntervalMs: number
  /** Failures in a row that make a container unhealthy. */
  readonly retries: number
}

const times = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const
const leastTime = 1_000_000

/**
 * The check of a container: what was asked for, and of the image what was not, by Docker's rules. Null without any.
 *
 * @throws `ApiError` 400 that names the member.
 */
export function mergeHealthcheck(
  asked: CreateBody['Healthcheck'],
  ofImage: Healthcheck | undefined,
): Healthcheck | null {
  const known = Object.entries({ ...ofImage, ...withoutUnset(asked) })
  const merged = Object.fromEntries(known) as Healthcheck
  for (const name of times) {
    const time = merged[name] ?? 0
    if (time !== 0 && time < leastTime)
      throw badRequest(`invalid Healthcheck.${name}: ${time} is less than 1ms`)
  }
  if ((merged.Retries ?? 0) < 0) throw badRequest('invalid Healthcheck.Retries: it is negative')
  const { Test = [] } = merged
  const isCommand = Test[0] === 'CMD' ? Test.length > 1 : Test[0] === 'CMD-SHELL' && Test.length === 2
  if (!isCommand && Test.length > 0 && Test[0] !== 'NONE')
    throw badRequest(
      `invalid Healthcheck.Test: ${JSON.stringify(Test)} is neither NONE, nor CMD with a program, nor CMD-SHELL with a command`,
    )
  return Test.length === 0 ? null : merged
}

/** How to carry a merged check out; undefined for none. */
export function healthCheckOf(
  merged: Healthcheck | null,
  shell: readonly string[] = ['/bin/sh', '-c'],
): HealthCheck | undefined {
  const [kind = 'NONE', ...words] = merged?.Test ?? []
  if (merged === null || kind === 'NONE') return undefined
  const ms = (name: (typeof times)[number], otherwise: number): number =>
    (merged[name] ?? 0) === 0 ? otherwise : merged[name]! / 1e6
  return {
    command: kind === 'CMD' ? words : [...shell, ...words],
    intervalMs: ms('Interval', 30_000),
    timeoutMs: ms('Timeout', 30_000),
    startPeriodMs: ms('StartPeriod', 0),
    startIntervalMs: ms('StartInterval', 5000),
    retries: (merged.Retries ?? 0) === 0 ? 3 : merged.Retries!,
  }
}

/** Go's zeros and nulls are what the image is asked for. */
function withoutUnset(asked: CreateBody['Healthcheck']): Partial<Healthcheck> {
  return Object.fromEntries(
    Object.entries(asked ?? {}).filter(
      ([, value]) => value !== null && value !== 0 && !(Array.isArray(value) && value.length === 0),
    ),
  )
}
