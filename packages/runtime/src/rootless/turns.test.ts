import { describe, expect, it } from '@jest/globals'
import { Turns } from './turns.js'

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Turns', () => {
  it('lets one kind go on together, and another after that, in the order of asking', async () => {
    const turns = new Turns()
    const order: string[] = []
    const begin = async (kind: string, name: string): Promise<Disposable> => {
      const turn = await turns.take(kind)
      order.push(name)
      return turn
    }
    const one = await begin('start', 'one')
    const two = await begin('start', 'two')
    const joining = begin('join', 'three')
    const late = begin('start', 'four')
    await soon()
    expect(order).toEqual(['one', 'two'])
    one[Symbol.dispose]()
    await soon()
    expect(order).toEqual(['one', 'two'])
    two[Symbol.dispose]()
    ;(await joining)[Symbol.dispose]()
    ;(await late)[Symbol.dispose]()
    expect(order).toEqual(['one', 'two', 'three', 'four'])
    ;(await begin('join', 'five'))[Symbol.dispose]()
    expect(order).toHaveLength(5)
  })
})
