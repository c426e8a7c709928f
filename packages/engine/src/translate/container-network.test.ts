import { expect, it } from '@jest/globals'
import { namesOf } from './container-network.js'

it('namesOf() takes names of hosts that objects have members of', () => {
  const ExtraHosts = ['constructor:10.0.0.1', '__proto__:10.0.0.2', 'web:10.0.0.3', 'web=10.0.0.4']
  const { extraHosts } = namesOf({ Image: 'bb:1', HostConfig: { ExtraHosts } })
  expect(Object.entries(extraHosts ?? {})).toEqual([
    ['constructor', ['10.0.0.1']],
    ['__proto__', ['10.0.0.2']],
    ['web', ['10.0.0.3', '10.0.0.4']],
  ])
})
