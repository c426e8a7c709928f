import { constants } from 'node:os'
import { describe, expect, it } from '@jest/globals'
import { commandOf, signalNumber } from './spec.js'

const invalid = (message: RegExp): unknown =>
  expect.objectContaining({
    name: 'RuntimeError',
    code: 'ERR_RUNTIME_INVALID_ARG',
    message: expect.stringMatching(message),
  })

function thrown(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('commandOf()', () => {
  it('is the image’s entrypoint and command', () => {
    expect(commandOf({}, ['/entry'], ['a', 'b'])).toEqual(['/entry', 'a', 'b'])
    expect(commandOf({}, undefined, ['sh'])).toEqual(['sh'])
    expect(commandOf({}, ['/entry'])).toEqual(['/entry'])
  })

  it('replaces the command and keeps the entrypoint', () => {
    expect(commandOf({ command: ['x'] }, ['/entry'], ['a'])).toEqual(['/entry', 'x'])
    expect(commandOf({ command: [] }, ['/entry'], ['a'])).toEqual(['/entry'])
  })

  it('takes the image’s command away with its entrypoint', () => {
    expect(commandOf({ entrypoint: ['/mine'] }, ['/entry'], ['a'])).toEqual(['/mine'])
    expect(commandOf({ entrypoint: ['/mine'], command: ['x'] }, ['/entry'], ['a'])).toEqual(['/mine', 'x'])
    expect(commandOf({ entrypoint: [], command: ['x'] }, ['/entry'], ['a'])).toEqual(['x'])
  })

  it('refuses what names no program', () => {
    expect(thrown(() => commandOf({}))).toEqual(invalid(/there is no command, and the image names none$/))
    expect(thrown(() => commandOf({ entrypoint: [] }, ['/entry'], ['a']))).toEqual(invalid(/no command/))
    expect(thrown(() => commandOf({ command: [''] }))).toEqual(invalid(/no command/))
  })
})

describe('signalNumber()', () => {
  it('knows names with and without SIG, in any case, and numbers', () => {
    const { SIGTERM, SIGUSR1, SIGKILL } = constants.signals
    expect(signalNumber('SIGTERM')).toBe(SIGTERM)
    expect(signalNumber('usr1')).toBe(SIGUSR1)
    expect(signalNumber('SigKill')).toBe(SIGKILL)
    expect(signalNumber(9)).toBe(9)
    expect(signalNumber('64')).toBe(64)
  })

  it.each(['', 'SIG', 'NOPE', 'constructor', '0', '65', '-1', '9.5', ' 9', 0, 65, 1.5, -1, Number.NaN])(
    'refuses %j',
    (signal) => {
      expect(thrown(() => signalNumber(signal))).toEqual(
        invalid(/^cannot use signal .*: there is none of that name or number$/),
      )
    },
  )
})
