import { describe, expect, it } from '@jest/globals'
import { EventBus, type EngineEvent } from './event-bus.js'

describe('EventBus', () => {
  it('tells those who listen, in order, until they leave', () => {
    const bus = new EventBus()
    const seen: EngineEvent[] = []
    const listening = bus.listen((event) => seen.push(event))
    bus.emit('container', 'create', 'a', { image: 'bb:1', name: 'one' })
    bus.emit('network', 'connect', 'n')
    listening[Symbol.dispose]()
    bus.emit('container', 'start', 'a')
    expect(seen.map(({ Type, Action }) => `${Type} ${Action}`)).toEqual([
      'container create',
      'network connect',
    ])
    expect(seen[0]).toMatchObject({ status: 'create', id: 'a', from: 'bb:1' })
    expect(bus.listeners).toBe(0)
  })

  it('remembers the last 256', () => {
    const bus = new EventBus()
    for (let n = 0; n < 300; n++) bus.emit('volume', 'create', String(n))
    expect(bus.past()).toHaveLength(256)
    expect(bus.past()[0]?.Actor.ID).toBe('44')
  })

  it('remembers fewer that are long', () => {
    const bus = new EventBus()
    const label = 'x'.repeat(2 ** 20)
    for (let n = 0; n < 100; n++) bus.emit('container', 'create', String(n), { label })
    expect(bus.past().map(({ Actor }) => Actor.ID)).toEqual(['93', '94', '95', '96', '97', '98', '99'])
    bus.emit('container', 'create', 'too long', { label: 'x'.repeat(9 * 2 ** 20) })
    expect(bus.past()).toEqual([])
    bus.emit('container', 'create', 'short')
    expect(bus.past()).toHaveLength(1)
  })
})
