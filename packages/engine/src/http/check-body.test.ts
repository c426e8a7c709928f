import { describe, expect, it } from '@jest/globals'
import { checkBody } from './check-body.js'
import { createBody, execBody } from './schemas/create-container.js'

const create = (body: unknown): string | undefined => checkBody(createBody, body)?.message

describe('checkBody()', () => {
  it('takes what fits, null for what is not set, and members that no schema has', () => {
    const HostConfig = { Memory: 1, Binds: null, PortBindings: { '80/tcp': null }, Unknown: [] }
    expect(create({ Image: 'busybox', Cmd: 'true', HostConfig, Other: 1 })).toBeUndefined()
    expect(create({ Image: 'busybox', Cmd: ['true'], Labels: { constructor: 'x' } })).toBeUndefined()
  })

  it.each([
    [undefined, 'invalid value of the body: expected object'],
    [[], 'invalid value of the body: expected object'],
    [{}, 'invalid value of Image: expected required property'],
    [{ Image: '' }, 'invalid value of Image: expected string length greater or equal to 1'],
    [{ Image: 5 }, 'invalid value of Image: expected string'],
    [{ Image: 'x', HostConfig: { Memory: 1.5 } }, 'invalid value of HostConfig.Memory: expected integer'],
    [{ Image: 'x', Cmd: [1] }, 'invalid value of Cmd.0: expected string'],
    [
      { Image: 'x', HostConfig: { Mounts: [{ Type: 'bind' }] } },
      'invalid value of HostConfig.Mounts.0.Target: expected required property',
    ],
    [{ Image: 'x', Labels: { a: 1 } }, 'invalid value of Labels.a: expected string'],
    [
      { Image: 'x', HostConfig: { ConsoleSize: [1, 70000] } },
      'invalid value of HostConfig.ConsoleSize.1: expected integer to be less or equal to 65535',
    ],
  ])('names what does not fit in %j', (body, message) => {
    expect(create(body)).toBe(message)
  })

  it('answers with 400', () => {
    expect(checkBody(execBody, { Cmd: [] })).toMatchObject({
      status: 400,
      message: 'invalid value of Cmd: expected array length to be greater or equal to 1',
    })
  })
})
