import { describe, expect, it } from '@jest/globals'
import { planDeviceChange, planDevices } from './plan-devices.js'
import type { DeviceRule } from './resources.js'

/** `+c 1:3 rwm` allows, `-` denies. */
const rules = (...texts: string[]): DeviceRule[] =>
  texts.map((text) => {
    const [, sign, type, major, minor, access] = /^([+-])([abc]) ?(\d+|\*)?:?(\d+|\*)? ?([rwm]+)$/.exec(text)!
    const number = (word: string | undefined) =>
      word === undefined || word === '*' ? undefined : Number(word)
    return {
      allow: sign === '+',
      type: type as 'a',
      major: number(major),
      minor: number(minor),
      access: access!,
    }
  })
const lines = (settings: ReturnType<typeof planDevices>) =>
  settings.map(({ file, value }) => `${file === 'devices.allow' ? '+' : '-'}${value}`)

describe('planDevices()', () => {
  it('begins with nothing allowed, and forgets what comes before a rule about everything', () => {
    expect(lines(planDevices(rules('+c 1:3 rw')))).toEqual(['-a *:* rwm', '+c 1:3 rw'])
    expect(lines(planDevices(rules('+c 1:3 rw', '+a rwm', '-c 1:5 w')))).toEqual(['+a *:* rwm', '-c 1:5 w'])
  })

  it('adds up and takes back accesses of one device', () => {
    expect(lines(planDevices(rules('+c 1:3 r', '+c 1:3 wm', '-c 1:3 w')))).toEqual([
      '-a *:* rwm',
      '+c 1:3 rm',
    ])
    expect(lines(planDevices(rules('+c 1:3 r', '-c 1:3 rw')))).toEqual(['-a *:* rwm'])
  })

  it('takes back from every device that a rule is about', () => {
    const given = rules('+c 1:3 rw', '+c 1:5 w', '+b 8:0 w', '-c 1:* w')
    expect(lines(planDevices(given))).toEqual(['-a *:* rwm', '+c 1:3 r', '+b 8:0 w'])
  })

  it('refuses what v1 would ignore: an exception from an exception', () => {
    expect(() => planDevices(rules('+c *:* rwm', '-c 1:11 r'))).toThrow(
      expect.objectContaining({
        code: 'ERR_CGROUP_UNSUPPORTED',
        message: expect.stringContaining('devices[1] (c 1:11 r)'),
      }),
    )
    expect(lines(planDevices(rules('+c *:* m', '-c 1:11 rw')))).toEqual(['-a *:* rwm', '+c *:* m'])
  })
})

describe('planDeviceChange()', () => {
  it('changes only what differs, first allowing and then denying', () => {
    const list = 'c 1:3 rwm\nc 1:5 rwm\nb 8:0 r\n'
    expect(lines(planDeviceChange(rules('-a rwm', '+c 1:3 rwm', '+c 1:5 r', '+c 1:9 rw'), list))).toEqual([
      '+c 1:9 rw',
      '-c 1:5 wm',
      '-b 8:0 r',
    ])
    expect(planDeviceChange(rules('+c 1:3 rwm', '+c 1:5 rwm', '+b 8:0 r'), list)).toEqual([])
  })

  it('begins anew when everything was allowed, or shall be', () => {
    expect(lines(planDeviceChange(rules('+c 1:3 r'), 'a *:* rwm\n'))).toEqual(['-a *:* rwm', '+c 1:3 r'])
    expect(lines(planDeviceChange(rules('+a rwm'), 'c 1:3 rwm\n'))).toEqual(['+a *:* rwm'])
  })
})
