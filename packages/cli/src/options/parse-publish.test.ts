import { describe, expect, it } from '@jest/globals'
import { parsePublish } from './parse-publish.js'

describe('parsePublish()', () => {
  it.each([
    ['80', [{ container: 80, protocol: 'tcp' }]],
    ['8080:80', [{ host: 8080, container: 80, protocol: 'tcp' }]],
    ['0:80', [{ host: 0, container: 80, protocol: 'tcp' }]],
    ['53:53/udp', [{ host: 53, container: 53, protocol: 'udp' }]],
    ['127.0.0.1:8080:80', [{ host: 8080, container: 80, protocol: 'tcp', hostIp: '127.0.0.1' }]],
    ['[::1]:8080:80/sctp', [{ host: 8080, container: 80, protocol: 'sctp', hostIp: '::1' }]],
    ['[::1]::80', [{ container: 80, protocol: 'tcp', hostIp: '::1' }]],
    ['8000-8009:80', [{ host: 8000, hostTo: 8009, container: 80, protocol: 'tcp' }]],
    ['127.0.0.1::80', [{ container: 80, protocol: 'tcp', hostIp: '127.0.0.1' }]],
    [':80', [{ container: 80, protocol: 'tcp' }]],
    [
      '8000-8001:80-81/tcp',
      [
        { host: 8000, container: 80, protocol: 'tcp' },
        { host: 8001, container: 81, protocol: 'tcp' },
      ],
    ],
    [
      '80-81',
      [
        { container: 80, protocol: 'tcp' },
        { container: 81, protocol: 'tcp' },
      ],
    ],
  ])('reads %s', (text, ports) => {
    expect(parsePublish(text)).toEqual(ports)
  })

  it.each([
    '',
    'http',
    '80:',
    '0',
    '65536',
    '81-80',
    '8000-8002:80-81',
    '80/dccp',
    '80/tcp/udp',
    '[::1]',
    '[1.2.3.4]:80:80',
    '[::1]:1:80:80',
    '::1:80:80',
    'a:1:2',
    '1.2.3:1:2',
    '1:2:3:4',
    '-1:80',
  ])('refuses %j', (text) => {
    expect(() => parsePublish(text)).toThrow(/^invalid argument .* for -p, --publish: /)
  })
})
