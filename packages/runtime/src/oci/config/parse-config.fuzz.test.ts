import { describe, expect, it } from '@jest/globals'
import { configFixture } from '../../../test/support/oci-config.js'
import { parseConfig } from './parse-config.js'

/** Mulberry32: the same numbers from 0 to 1 for the same seed, so that a failure can be repeated. */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const hostile: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2 ** 32,
  2 ** 53,
  '',
  '/',
  '..',
  '\0',
  'a\nb',
  'x'.repeat(5000),
  '18446744073709551616',
  '\u{10ffff}\ud800',
  [],
  {},
  [[[[]]]],
  ['bind', 'idmap=uids=@'],
  { __proto__x: 1, constructor: {}, toString: 'x' },
]

type Container = Record<string, unknown>

/** Every object and list in a value. */
function containers(value: unknown): Container[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Container, ...Object.values(value).flatMap(containers)]
}

function mutate(config: unknown, random: () => number): void {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const all = containers(config)
  const container = pick(all)!
  const key = pick(Object.keys(container))
  const kind = Math.floor(random() * 4)
  if (kind === 0) container[key ?? 'x'] = pick(hostile)
  else if (kind === 1) Reflect.deleteProperty(container, key ?? 'x')
  else if (kind === 2) container[key ?? 'x'] = structuredClone(pick(Object.values(pick(all)!)))
  else if (Array.isArray(container)) container.push(structuredClone(pick(container as readonly unknown[])))
  else container[pick(['path', 'type', '__proto__', '', 'name'])!] = pick(hostile)
}

/** A config as JSON, with every digit of its integers. */
function written(config: unknown): string {
  const mark = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `int64:${value}` : value)
  return JSON.stringify(config, mark).replace(/"int64:(-?\d+)"/g, '$1')
}

function outcome(text: string): unknown {
  try {
    return parseConfig(text)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_RUNTIME_CONFIG') throw error
    expect((error as Error).message.length).toBeLessThan(1000)
    return undefined
  }
}

const full = JSON.stringify({
  ...(JSON.parse(configFixture('podman-run.json')) as object),
  hooks: { createRuntime: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 1 }] },
})

describe('parseConfig() of anything', () => {
  it.each([1, 2, 3])('either reads a mutated config or refuses it (seed %i)', (seed) => {
    const random = randomNumbers(seed)
    let read = 0
    for (let round = 0; round < 600; round++) {
      const config: unknown = JSON.parse(full)
      const mutations = 1 + Math.floor(random() * 3)
      for (let mutation = 0; mutation < mutations; mutation++) mutate(config, random)
      const parsed = outcome(JSON.stringify(config))
      if (parsed === undefined) continue
      read++
      // what was read is a config itself, and means the same
      expect(outcome(written(parsed))).toEqual(parsed)
    }
    expect(read).toBeGreaterThan(100)
    expect(read).toBeLessThan(500)
  })

  it('either reads damaged text or refuses it', () => {
    const random = randomNumbers(4)
    const text = configFixture('runc-spec.json')
    for (let round = 0; round < 1500; round++) {
      const at = Math.floor(random() * text.length)
      const put = ['', '"', '{', '[', '9', '99999999999999999999', '\\', '-', 'null,', '\u0000'][
        Math.floor(random() * 10)
      ]!
      outcome(text.slice(0, at) + put + text.slice(at + Math.floor(random() * 3)))
    }
  })
})
