import { describe, expect, it } from '@jest/globals'
import { hostnameFile, hostsFile } from './hosts.js'
import { parseResolvConf, resolvConf } from './resolv-conf.js'

const invalid = expect.objectContaining({ code: 'ERR_NETBRIDGE_INVALID_ARG' })

describe('hostsFile()', () => {
  it('names localhost, the container and further hosts', () => {
    const entries = [{ address: '10.0.0.9', names: ['db', 'db.internal'] }]
    const text = hostsFile({ hostname: 'web', domainname: 'example.com', addresses: ['172.30.0.2'], entries })
    expect(text).toBe(
      '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n' +
        'ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n' +
        '172.30.0.2\tweb.example.com web\n10.0.0.9\tdb db.internal\n',
    )
  })

  it('names what is before the dots of a full name', () => {
    expect(hostsFile({ hostname: 'web.example.com' })).toContain('127.0.1.1\tweb.example.com web\n')
  })

  it('lets the name lead to the host itself without a network', () => {
    expect(hostsFile({ hostname: 'web' })).toContain('127.0.1.1\tweb\n')
  })

  it.each([
    { hostname: 'a\n6.6.6.6 bank' },
    { hostname: '' },
    { hostname: '-a' },
    { hostname: 'a', addresses: ['nowhere'] },
    { hostname: 'a', entries: [{ address: '10.0.0.1', names: ['x y'] }] },
    { hostname: 'a', entries: [{ address: '10.0.0.1', names: [] }] },
    { hostname: 'a', entries: [{ address: 'fe80::1%eth0\n', names: ['x'] }] },
  ])('refuses %j', (options) => {
    expect(() => hostsFile(options)).toThrow(invalid)
  })
})

describe('hostnameFile()', () => {
  it('is the name and a newline', () => {
    expect(hostnameFile('web-1')).toBe('web-1\n')
    expect(() => hostnameFile('a'.repeat(64))).toThrow(invalid)
  })
})

describe('resolvConf()', () => {
  const host =
    '# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\nsearch a.example b.example\noptions edns0 trust-ad\n'

  it("takes over the host's, without servers that only the host reaches", () => {
    expect(resolvConf({ host })).toBe(
      'nameserver 10.0.0.2\nnameserver 2001:db8::1\nsearch a.example b.example\noptions edns0 trust-ad\n',
    )
  })

  it('replaces list by list', () => {
    expect(resolvConf({ host, nameservers: ['9.9.9.9'], search: ['.'], options: ['ndots:0'] })).toBe(
      'nameserver 9.9.9.9\noptions ndots:0\n',
    )
    expect(resolvConf()).toBe('')
  })

  it.each([
    { nameservers: ['a'] },
    { search: ['a b'] },
    { search: ['a\nnameserver 6.6.6.6'] },
    { options: [''] },
  ])('refuses %j', (options) => {
    expect(() => resolvConf(options)).toThrow(invalid)
  })
})

describe('parseResolvConf()', () => {
  it('takes the last search or domain line, and no rubbish', () => {
    expect(parseResolvConf('domain a\nsearch b\tc\nnameserver\nnameserver x\nfoo bar\r\n')).toEqual({
      nameservers: [],
      search: ['b', 'c'],
      options: [],
    })
  })
})
