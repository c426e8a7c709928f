import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from '@jest/globals'
import { platformIn } from './platform.js'
import { Query } from './query.js'

const read = (platform?: string): unknown =>
  platformIn(new Query({ query: platform === undefined ? {} : { platform } } as FastifyRequest))

describe('platformIn()', () => {
  it('reads what clients send', () => {
    expect(read()).toBeUndefined()
    expect(read('{"os":"linux","architecture":"arm","variant":"v7"}')).toEqual({
      ...{ os: 'linux', architecture: 'arm', variant: 'v7' },
    })
    expect(read('{"os":"linux","architecture":"amd64","variant":""}')).toEqual({
      ...{ os: 'linux', architecture: 'amd64' },
    })
  })

  it.each(['linux/arm64', 'null', '{"os":"linux"}', '{"os":1,"architecture":"arm64"}'])(
    'refuses %s',
    (text) => {
      expect(() => read(text)).toThrow('invalid value of platform')
    },
  )
})
