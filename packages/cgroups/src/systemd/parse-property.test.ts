import { describe, expect, it } from '@jest/globals'
import type { Value } from '../dbus/value.js'
import { parseUnitProperty } from './parse-property.js'

describe('parseUnitProperty()', () => {
  it.each<[string, string, string, Value]>([
    ['true', 'SendSIGHUP', 'b', true],
    ['15', 'KillSignal', 'i', 15],
    ['-3', 'Nice', 'i', -3],
    ['0x10', 'KillSignal', 'i', 16],
    ['uint64 10000000', 'TimeoutStopUSec', 't', 10_000_000n],
    ['int64 -5', 'Abc', 'x', -5n],
    ['byte 7', 'Abc', 'y', 7],
    ['1.5', 'Abc', 'd', 1.5],
    ["'inactive-or-failed'", 'CollectMode', 's', 'inactive-or-failed'],
    ['"a\\"b"', 'Abc', 's', 'a"b'],
    ["['a.service', 'b.service']", 'After', 'as', ['a.service', 'b.service']],
    ['[uint32 1, 2]', 'Abc', 'au', [1, 2]],
    ['@as []', 'After', 'as', []],
    ['@ay [1, 2]', 'Abc', 'ay', Uint8Array.of(1, 2)],
    ["[('/dev/null', 'rw')]", 'DeviceAllow', 'a(ss)', [['/dev/null', 'rw']]],
    ["objectpath '/a'", 'Abc', 'o', '/a'],
  ])('reads %s', (text, name, signature, value) => {
    expect(parseUnitProperty(name, text)).toEqual({ name, signature, value })
  })

  it.each([
    ['TimeoutStopSec', '10', 10_000_000n],
    ['TimeoutStopSec', 'uint64 1', 1_000_000n],
    ['RuntimeMaxSec', '0.5', 500_000n],
  ])('makes %s=%s microseconds', (name, text, value) => {
    expect(parseUnitProperty(name, text)).toEqual({
      name: name.replace('Sec', 'USec'),
      signature: 't',
      value,
    })
  })

  it('leaves a time in microseconds alone', () => {
    expect(parseUnitProperty('TimeoutStopUSec', 'uint64 5')).toMatchObject({
      name: 'TimeoutStopUSec',
      value: 5n,
    })
  })

  it.each([
    ['KillSignal', ''],
    ['KillSignal', '15 16'],
    ['KillSignal', 'uint99 1'],
    ['KillSignal', '99999999999'],
    ['KillSignal', 'byte 256'],
    ['KillSignal', 'uint32 -1'],
    ['KillSignal', 'uint32 1.5'],
    ['CollectMode', 'inactive'],
    ['CollectMode', "'inactive"],
    ['CollectMode', "uint32 'x'"],
    ['After', '[]'],
    ['After', "['a', 1]"],
    ['After', "['a'"],
    ['After', '('.repeat(100)],
    ['After', '['.repeat(5000)],
    ['TimeoutStopSec', "'10'"],
    ['TimeoutStopSec', '-1'],
    ['PIDs', '[uint32 1]'],
    ['Slice', "'init.slice'"],
    ['a', '1'],
    ['Kill-Signal', '1'],
    ['__proto__', '1'],
    ['KillSignal', 'constructor 1'],
  ])('refuses %s=%s', (name, text) => {
    expect(() => parseUnitProperty(name, text)).toThrow(
      expect.objectContaining({ code: 'ERR_CGROUP_INVALID_ARG' }),
    )
  })
})
