import { describe, expect, it } from '@jest/globals'
import { isPlainHttp } from './plain-http.js'
import { environmentProxies, proxyFor } from './proxy.js'

describe('proxyFor()', () => {
  const at = (address: string, no?: string): string | undefined =>
    proxyFor(new URL(address), { http: 'http://plain:1', https: 'secure:2', no })?.host

  it('takes the proxy of the protocol', () => {
    expect(at('http://h.io/')).toBe('plain:1')
    expect(at('https://h.io/')).toBe('secure:2')
    expect(proxyFor(new URL('https://h.io'), {})).toBeUndefined()
  })

  it.each([
    ['https://h.io', 'h.io', true],
    ['https://a.h.io', 'h.io', true],
    ['https://ah.io', 'h.io', false],
    ['https://h.io', '.h.io', false],
    ['https://a.h.io', '.h.io', true],
    ['https://a.h.io', '*.h.io', true],
    ['https://H.IO', 'x.io, h.Io', true],
    ['https://h.io:5000', 'h.io:5000', true],
    ['https://h.io', 'h.io:443', true],
    ['https://h.io', 'h.io:5000', false],
    ['https://10.1.2.3', '10.0.0.0/8', true],
    ['https://11.1.2.3', '10.0.0.0/8', false],
    ['https://[fd00::5]:5000', 'fd00::/8', true],
    ['https://[fd00::5]', 'fd00::5', true],
    ['https://10.1.2.3', '10.1.2.3', true],
    ['https://10.1.2.3:80', '10.1.2.3:443', false],
    ['https://h.io', '*', true],
    ['https://h.io', ' , ', false],
    ['https://h.io', '10.0.0.0/x', false],
    ['http://127.0.0.1:5000', '', true],
    ['https://localhost', '', true],
    ['https://[::1]', '', true],
  ])('%s with NO_PROXY=%s goes straight: %s', (address, no, isStraight) => {
    expect(at(address, no) === undefined).toBe(isStraight)
  })

  it('refuses what is no address, without showing it', () => {
    for (const https of ['socks5://a:secret@h', 'http://[', 'ftp://h'])
      expect(() => proxyFor(new URL('https://h.io'), { https })).toThrow(/^((?!secret).)*must be an address/)
  })

  it('reads the environment, lower case first', () => {
    const env = { HTTP_PROXY: 'a', http_proxy: 'b', HTTPS_PROXY: 'c', NO_PROXY: 'd' }
    expect(environmentProxies(env)).toEqual({ http: 'b', https: 'c', no: 'd' })
  })
})

describe('isPlainHttp()', () => {
  it.each([
    ['h.io', ['h.io'], true],
    ['h.io:5000', ['h.io'], true],
    ['h.io:5000', ['h.io:5000'], true],
    ['h.io:5001', ['h.io:5000'], false],
    ['h.io', ['h.io:5000'], false],
    ['10.1.2.3:5000', ['10.0.0.0/8'], true],
    ['11.1.2.3:5000', ['10.0.0.0/8'], false],
    ['[fd00::1]:5000', ['fd00::/8'], true],
    ['[fd00::1]:5000', ['[fd00::1]'], true],
    ['10.h.io', ['10.0.0.0/8'], false],
    ['127.0.0.1:5000', [], true],
    ['127.evil.io', [], false],
    ['localhost:5000', undefined, true],
    ['localhost:5000', false, false],
    ['h.io', true, true],
    ['h.io', ['0.0.0.0/0', '::/0'], false],
  ] as const)('%s with %j: %s', (host, insecure, expected) => {
    expect(isPlainHttp(host, insecure)).toBe(expected)
  })
})
