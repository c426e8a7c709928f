import { describe, expect, it } from '@jest/globals'
import { signalText } from './signal-text.js'

describe('signalText()', () => {
  it.each([
    [9, 'killed'],
    [31, 'bad system call'],
    [10, 'SIGUSR1'],
    [40, 'signal 40'],
  ])('of %i is %j', (signal, text) => {
    expect(signalText(signal)).toBe(text)
  })
})
