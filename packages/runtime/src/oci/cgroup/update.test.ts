import { describe, expect, it } from '@jest/globals'
import type { ConfigResources } from '../config/config-resources.js'
import { updateOf } from './update.js'

const known: ConfigResources = {
  memory: { limit: 100, swap: 150, reservation: 50 },
  cpu: { shares: 100, quota: 500_000, period: 1_000_000 },
  pids: { limit: 20 },
  devices: [{ allow: true, type: 'c', major: 1, minor: 11, access: 'rw' }],
}

describe('updateOf()', () => {
  it('writes what changes, and keeps the rest', () => {
    const change = { cpu: { period: 900_000, shares: undefined }, pids: { limit: 10 } }
    const { applied, kept } = updateOf(known, change)
    expect(applied).toEqual({ ...change, memory: undefined })
    expect(kept).toMatchObject({
      memory: known.memory,
      cpu: { shares: 100, quota: 500_000, period: 900_000 },
      pids: { limit: 10 },
      devices: known.devices,
    })
  })

  it('writes the limits of memory and of both together', () => {
    expect(updateOf(known, { memory: { limit: 120 } }).applied.memory).toEqual({ limit: 120, swap: 150 })
    expect(updateOf(known, { memory: { swap: 200 } }).applied.memory).toEqual({ limit: 100, swap: 200 })
    expect(updateOf(known, { memory: { reservation: 10 } }).applied.memory).toEqual({ reservation: 10 })
  })

  it('takes away the limit of both with that of memory', () => {
    const { applied, kept } = updateOf(known, { memory: { limit: -1 } })
    expect(applied.memory).toEqual({ limit: -1, swap: -1 })
    expect(kept.memory).toEqual({ limit: -1, swap: -1, reservation: 50 })
  })

  it('does not change device rules', () => {
    const { applied, kept } = updateOf(known, { devices: [{ allow: true, access: 'rwm' }] })
    expect(applied).not.toHaveProperty('devices')
    expect(kept.devices).toEqual(known.devices)
  })

  it('forgets the shares of a group that becomes idle', () => {
    expect(updateOf(known, { cpu: { idle: 1 } }).kept.cpu).toMatchObject({ idle: 1, shares: undefined })
    expect(updateOf(known, { cpu: { idle: 0, shares: 7 } }).kept.cpu).toMatchObject({ idle: 0, shares: 7 })
  })

  it('replaces limits of a device, the last of several', () => {
    const rate = (major: number, value: number) => ({ major, minor: 0, rate: value })
    const blockIO = { throttleReadBpsDevice: [rate(8, 1), rate(8, 2), rate(9, 3)] }
    const change = { blockIO: { throttleReadBpsDevice: [rate(8, 5)] } }
    expect(updateOf({ blockIO }, change).kept.blockIO?.throttleReadBpsDevice).toEqual([
      rate(8, 5),
      rate(9, 3),
    ])
    expect(updateOf({ blockIO }, change).applied.blockIO).toEqual(change.blockIO)
  })
})
