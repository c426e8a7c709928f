import { describe, expect, it } from '@jest/globals'
import { attachment, namesOf, networkOption } from './container-network.js'

describe('networkOption()', () => {
  it('takes addresses, priorities and names of each network', () => {
    const EndpointsConfig = {
      front: { IPAMConfig: { IPv4Address: '10.0.0.7', LinkLocalIPs: ['169.254.9.1'] }, GwPriority: -1 },
      back: { GwPriority: 5, Aliases: ['db'] },
    }
    expect(
      networkOption({
        Image: 'bb:1',
        HostConfig: { NetworkMode: 'front' },
        NetworkingConfig: { EndpointsConfig },
      }),
    ).toMatchObject([
      { name: 'front', ip: '10.0.0.7', linkLocalIps: ['169.254.9.1'], gatewayPriority: -1 },
      { name: 'back', gatewayPriority: 5, aliases: ['db'] },
    ])
  })

  it('is none where the network is disabled', () => {
    expect(networkOption({ Image: 'bb:1', NetworkDisabled: true })).toBe('none')
  })

  it.each([
    [{ host: { IPAMConfig: { IPv4Address: '10.0.0.7' } } }, 'supported on user defined networks only'],
    [{ host: { Aliases: ['a'] } }, 'supported on user defined networks only'],
    [{ host: {}, back: {} }, 'cannot use network host together with back'],
    [{ host: { Aliases: [], MacAddress: '', GwPriority: 0, IPAMConfig: {} } }, undefined],
  ])('with the network of the host and %j', (EndpointsConfig, refusal) => {
    const body = { Image: 'bb:1', HostConfig: { NetworkMode: 'host' }, NetworkingConfig: { EndpointsConfig } }
    if (refusal === undefined) expect(networkOption(body)).toBe('host')
    else expect(() => networkOption(body)).toThrow(refusal)
  })
})

describe('attachment()', () => {
  it('refuses options of drivers that mean nothing', () => {
    expect(() => attachment('n', { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'a=b' } })).toThrow(
      'com.docker.network.endpoint.sysctls is not supported',
    )
  })
})

it('namesOf() takes names of hosts that objects have members of', () => {
  const ExtraHosts = ['constructor:10.0.0.1', '__proto__:10.0.0.2', 'web:10.0.0.3', 'web=10.0.0.4']
  const { extraHosts } = namesOf({ Image: 'bb:1', HostConfig: { ExtraHosts } })
  expect(Object.entries(extraHosts ?? {})).toEqual([
    ['constructor', ['10.0.0.1']],
    ['__proto__', ['10.0.0.2']],
    ['web', ['10.0.0.3', '10.0.0.4']],
  ])
})
