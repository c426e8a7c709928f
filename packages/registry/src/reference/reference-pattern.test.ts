import { describe, expect, it } from '@jest/globals'
import { thrown } from '../../test/support/thrown.js'
import { ReferencePattern } from './reference-pattern.js'

const digest = `sha256:${'0a'.repeat(32)}`

describe('ReferencePattern', () => {
  it.each([
    ['busybox', 'busybox:1', true],
    ['busybox:1', 'docker.io/library/busybox:1', true],
    ['docker.io/library/busybox', 'busybox:1', false],
    ['library/busybox', 'busybox:1', false],
    ['*', 'busybox:1', true],
    ['*', 'team/app:1', false],
    ['*/*', 'team/app:1', true],
    ['*/*', 'h.io/team/app:1', false],
    ['*/*/*', 'h.io/team/app:1', true],
    ['**', 'busybox:1', true],
    ['**', 'team/app:1', false],
    ['bus*', 'busybox:1', true],
    ['*box', 'busybox:1', true],
    ['*box:?', 'busybox:1', true],
    ['*box:?', 'busybox:12', false],
    ['?usybox', 'busybox:1', true],
    ['team?app', 'team/app:1', false],
    ['*:*', 'busybox:1', true],
    ['*:[0-9]', 'busybox:1', true],
    ['*:[^0-9]', 'busybox:1', false],
    ['*:[^a-c]', 'busybox:1', true],
    ['*:[a1]', 'busybox:1', true],
    ['*:[]', 'busybox:1', undefined],
    ['*:[^]', 'busybox:1', undefined],
    ['*:[a-]', 'busybox:1', undefined],
    ['*:[-a]', 'busybox:1', undefined],
    ['*:[a', 'busybox:1', undefined],
    ['*:[1\\', 'busybox:1', undefined],
    ['busybox\\', 'busybox:1', undefined],
    ['nothing[', 'busybox:1', undefined],
    ['*:[\\]1]', 'busybox:1', true],
    ['*:[9-0]', 'busybox:1', false],
    ['team[/]app', 'team/app:1', true],
    ['team[^a]app', 'team/app:1', true],
    ['bus\\ybox', 'busybox:1', true],
    ['bus\\*', 'busybox:1', false],
    ['b]', 'busybox:1', false],
    ['bu.ybox', 'busybox:1', false],
    ['(b|c)usybox', 'busybox:1', false],
    ['', 'busybox:1', false],
    ['*a*b', 'xa:xb', true],
    ['*a*b', 'xab', true],
    ['*ab', 'aab', true],
    ['*aab', 'aaaaab', true],
    ['a*', 'a', true],
    ['a?', 'a', false],
    ['[😀b]usybox', 'busybox:1', true],
    [`busybox@${digest}`, `busybox@${digest}`, true],
    ['busybox@sha256:*', `busybox@${digest}`, true],
    ['busybox', `busybox@${digest}`, true],
    ['127.0.0.1:5000/team/*', '127.0.0.1:5000/team/app:1.2', true],
    ['127.0.0.1:5000/*', '127.0.0.1:5000/team/app:1.2', false],
  ])('%s on %s', (pattern, reference, expected) => {
    if (expected === undefined) {
      expect(thrown(() => new ReferencePattern(pattern))).toMatchObject({
        code: 'ERR_REGISTRY_INVALID_ARG',
        message: expect.stringMatching(/^cannot read pattern /),
      })
      return
    }
    expect(new ReferencePattern(pattern).matches(reference)).toBe(expected)
  })

  it('refuses a pattern that is longer than any reference', () => {
    expect(thrown(() => new ReferencePattern('*'.repeat(1025)))).toMatchObject({
      code: 'ERR_REGISTRY_INVALID_ARG',
    })
  })

  it('takes no time that grows with the number of stars', () => {
    const reference = `${'a'.repeat(200)}:${'a'.repeat(128)}`
    const start = performance.now()
    for (const part of ['a*', '*a', '*?', '*[a-b]', '*[^b]', '*aaaaaaaa']) {
      const pattern = new ReferencePattern(`${part.repeat(Math.floor(1000 / part.length))}b`)
      for (let n = 0; n < 20; n++) expect(pattern.matches(reference)).toBe(false)
    }
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
