import { describe, expect, it } from '@jest/globals'
import { parseHosts } from './parse-hosts.js'

describe('parseHosts', () => {
  it('reads names and addresses as docker does', () => {
    const lines = ['db:10.0.0.1', 'db=10.0.0.2', 'six:::1', 'six=[fd00::1]', 'up:host-gateway']
    expect(parseHosts(lines)).toEqual({
      db: ['10.0.0.1', '10.0.0.2'],
      six: ['::1', 'fd00::1'],
      up: ['host-gateway'],
    })
  })

  it.each(['db', ':10.0.0.1', 'db:'])('refuses %j', (line) => {
    expect(() => parseHosts([line])).toThrow('--add-host')
  })
})
