import { afterAll, beforeAll, expect, it } from '@jest/globals'
import Docker from 'dockerode'
import { RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

/** Nothing is behind this name but a mirror. */
const hub = 'hub.invalid'

describeOn(needs, 'names that a registry and its mirror have', () => {
  let mirror: RegistryServer
  const mirrors: Record<string, readonly string[]> = {}
  const suite = setUp({ registries: { mirrors, retries: 0 } })
  const dockerode = (): Docker => new Docker({ socketPath: suite.socket })

  beforeAll(async () => {
    mirror = await RegistryServer.start({})
    mirrors[hub] = [mirror.address]
    for (const tag of ['1', '2']) {
      const name = `${mirror.address}/team/app:${tag}`
      await suite.ok('tag', image, name)
      await suite.ok('push', name)
      await suite.ok('rmi', name)
    }
  })
  afterAll(async () => {
    await mirror.close()
  })

  it('pulls by the name of the registry', async () => {
    expect(await suite.ok('pull', `${hub}/team/app:1`)).toContain(`${hub}/team/app:1`)
    expect(await suite.ok('images', '-q', `${hub}/team/app`)).toMatch(/^[0-9a-f]{12}$/)
    await suite.ok('rmi', `${hub}/team/app:1`)
  })

  it('pulls all tags for a client that names none', async () => {
    const stream = await dockerode().createImage({ fromImage: `${hub}/team/app` })
    await new Promise<void>((resolve, reject) =>
      dockerode().modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error))),
    )
    const names = `${hub}/team/app:1\n${hub}/team/app:2`
    const listed = await suite.ok('images', '--format', '{{.Repository}}:{{.Tag}}', `${hub}/team/app`)
    expect(listed.split('\n').sort().join('\n')).toBe(names)
    await suite.ok('rmi', ...names.split('\n'))
  })

  it('tells what a registry has, and brings nothing', async () => {
    const told = (await dockerode().getImage(`${hub}/team/app:1`).distribution()) as unknown
    expect(told).toEqual({
      Descriptor: {
        mediaType: expect.stringContaining('manifest'),
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        size: expect.any(Number),
      },
      Platforms: [{ os: 'linux', architecture: expect.any(String) }],
    })
    expect(await suite.ok('images', '-q', `${hub}/team/app`)).toBe('')
    const nothing = dockerode().getImage(`${mirror.address}/team/nope:1`)
    await expect(nothing.distribution()).rejects.toMatchObject({ statusCode: 404 })
  })
})
