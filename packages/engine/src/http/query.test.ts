import { describe, expect, it } from '@jest/globals'
import type { FastifyRequest } from 'fastify'
import { Query } from './query.js'

const query = (values: Record<string, string | string[]>) =>
  new Query({ query: values } as unknown as FastifyRequest)

describe('Query', () => {
  it('reads flags as Docker does', () => {
    const flags = query({ a: '1', b: 'true', c: '0', d: 'False', e: '', f: 'none', g: 'yes' })
    expect(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].filter((name) => flags.flag(name))).toEqual([
      'a',
      'b',
      'g',
    ])
    expect(flags.flag('h', true)).toBe(true)
  })

  it('names what is wrong', () => {
    expect(() => query({ t: 'x' }).integer('t')).toThrow('invalid value of t: "x" is no whole number')
    expect(() => query({}).needed('name')).toThrow('missing parameter in the query: name')
    expect(() => query({ since: 'yesterday' }).nanos('since')).toThrow('invalid value of since')
    expect(() => query({ filters: '{' }).filters([])).toThrow('invalid filters')
    expect(() => query({ filters: '{"x":["y"]}' }).filters(['label'])).toThrow("invalid filter 'x'")
    expect(() => query({ filters: '{"label":[1]}' }).filters(['label'])).toThrow("invalid filter 'label'")
  })

  it('reads times to the nanosecond', () => {
    expect(query({ since: '12.000000345' }).nanos('since')).toBe(12_000_000_345n)
    expect(query({}).nanos('since')).toBe(0n)
  })

  it('reads filters as lists and as sets', () => {
    const filters = query({
      filters: '{"label":["a","b=c"],"status":{"running":true,"exited":false}}',
    }).filters(['label', 'status'])
    expect(filters.get('status')).toEqual(['running'])
    expect(filters.labels({ a: '', b: 'c' })).toBe(true)
    expect(filters.labels({ a: '', b: 'd' })).toBe(false)
    expect(filters.any('status', (value) => value === 'paused')).toBe(false)
    expect(filters.any('name', () => false)).toBe(true)
  })
})
