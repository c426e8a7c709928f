import { describe, expect, it } from '@jest/globals'
import { parseChallenges } from './challenge.js'

describe('parseChallenges()', () => {
  it('reads a token challenge', () => {
    const header =
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'
    expect(parseChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'registry.example',
          scope: 'repository:a/b:pull,push',
        },
      },
    ])
  })

  it('reads several challenges of one header, escapes and bare values', () => {
    expect(
      parseChallenges('Negotiate, Basic realm="a \\"b\\", c" , Bearer realm = x ,error=insufficient_scope'),
    ).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b", c' } },
      { scheme: 'bearer', parameters: { realm: 'x', error: 'insufficient_scope' } },
    ])
  })

  it.each([
    '',
    '   ',
    '=',
    'realm="x"',
    'Bearer realm="x',
    'Bearer "',
    `Bearer ${'a="\\'.repeat(10_000)}`,
    'Basic __proto__="x"',
  ])('survives %j', (header) => {
    expect(parseChallenges(header).every(({ parameters }) => parameters['polluted'] === undefined)).toBe(true)
  })
})
