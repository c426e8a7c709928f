import { describe, expect, it } from '@jest/globals'
import { parseExpose } from './parse-expose.js'

describe('parseExpose()', () => {
  it('reads ports and ranges of them', () => {
    expect(parseExpose('80')).toEqual(['80/tcp'])
    expect(parseExpose('53/udp')).toEqual(['53/udp'])
    expect(parseExpose('80-82/tcp')).toEqual(['80/tcp', '81/tcp', '82/tcp'])
  })

  it.each(['', '0', 'http', '2-1', '65536', '80/icmp', '80:80'])('refuses %j', (text) => {
    expect(() => parseExpose(text)).toThrow(`invalid argument "${text}" for --expose: `)
  })
})
