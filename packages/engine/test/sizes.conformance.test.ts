import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { addBusybox, image, needs, setUp } from './support/suite.js'

leakCheck()

interface Usage {
  readonly LayersSize: number
  readonly Images: readonly { readonly Size: number; readonly SharedSize: number }[]
  readonly Containers: readonly { readonly SizeRw: number; readonly SizeRootFs: number }[]
  readonly Volumes: readonly { readonly UsageData: { readonly Size: number; readonly RefCount: number } }[]
}

describeOn(needs, 'sizes of what an engine keeps', () => {
  const suite = setUp()
  const api = async (path: string): Promise<unknown> => {
    const request = get({ socketPath: suite.socket, path })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    return await json(answer)
  }
  const sizes = async (name: string): Promise<readonly [number, number]> => {
    const text = await suite.ok('inspect', '-s', '-f', '{{.SizeRw}} {{.SizeRootFs}}', name)
    const [written = 0, total = 0] = text.split(' ').map(Number)
    return [written, total]
  }

  it('are those of files: a file with two names once, links and what was deleted not', async () => {
    const script = [
      'head -c 1000000 /dev/zero >/tmp/a; ln /tmp/a /tmp/b',
      'ln -s / /tmp/root; rm /bin/vi; mkdir -p /tmp/d/e; echo hello >/tmp/d/e/f',
      'head -c 5000 /dev/zero >/data/g',
    ]
    await suite.ok(
      ...['run', '--name', 'writer', '--network', 'none', '-v', 'kept:/data', image, 'sh', '-c'],
      script.join('; '),
    )
    const [written, total] = await sizes('writer')
    const linkLength = 1
    expect(written).toBe(1_000_000 + linkLength + 'hello\n'.length)
    const imageSize = Number(await suite.ok('inspect', '-f', '{{.Size}}', '--type', 'image', image))
    expect(total).toBe(written + imageSize)
    expect(await suite.ok('ps', '-as', '--format', '{{.Size}}')).toMatch(/^1MB \(virtual [\d.]+MB\)$/)
    expect(await suite.ok('inspect', '-f', '{{json .}}', 'writer')).not.toContain('SizeRw')
  })

  it('make up `system df`, of which parts can be asked for', async () => {
    // the same layer under another config: no more on disk
    await addBusybox(suite.engine.runtime, 'bb:2', { Labels: { other: 'config' } })
    const usage = (await api('/system/df')) as Usage
    const [one, two] = usage.Images
    expect([two!.Size, one!.SharedSize, two!.SharedSize]).toEqual([one!.Size, one!.Size, one!.Size])
    expect(usage.LayersSize).toBe(one!.Size)
    expect(usage.Containers.map(({ SizeRw }) => SizeRw)).toEqual([(await sizes('writer'))[0]])
    expect(usage.Volumes.map(({ UsageData }) => UsageData)).toEqual([{ Size: 5000, RefCount: 1 }])
    const part = (await api('/system/df?type=volume&type=image')) as Usage
    expect(Object.keys(part).sort()).toEqual(['Images', 'LayersSize', 'Volumes'])
    expect(await api('/system/df?type=moon')).toEqual({ message: 'unknown object type: moon' })
    const table = await suite.ok('system', 'df')
    expect(table).toMatch(/Containers\s+1\s+0\s+1MB\s+1MB \(100%\)/)
    expect(table).toMatch(/Local Volumes\s+1\s+1\s+5kB/)
  })

  it('are measured without leaving the tree, while its container exchanges folders for links', async () => {
    const race =
      'mkdir -p /tmp/a; echo x >/tmp/a/f; ln -s /proc /tmp/l; touch /tmp/ready; ' +
      'while :; do mv /tmp/a /tmp/c; mv /tmp/l /tmp/a; mv /tmp/a /tmp/l; mv /tmp/c /tmp/a; done'
    await suite.ok('run', '-d', '--name', 'racer', '--network', 'none', image, 'sh', '-c', race)
    await suite.ok('exec', 'racer', 'sh', '-c', 'until test -e /tmp/ready; do :; done')
    for (let looks = 0; looks < 100; looks++) {
      const all = await Promise.all(
        Array.from({ length: 4 }, () => suite.engine.containers.get('racer').handle.size()),
      )
      for (const { written } of all) expect(written).toBeLessThan(100)
    }
    await suite.ok('rm', '-f', 'racer')
  })

  it('are what prune gives back', async () => {
    const [written] = await sizes('writer')
    expect(await suite.ok('container', 'prune', '-f')).toMatch(/Total reclaimed space: 1MB$/)
    expect(written).toBeGreaterThan(0)
    expect(await suite.ok('volume', 'prune', '-af')).toMatch(/Total reclaimed space: 5kB$/)
    await suite.ok('rmi', 'bb:2')
    const { LayersSize } = (await api('/system/df')) as Usage
    await suite.ok('image', 'prune', '-af')
    const reclaimed = (await suite.pastEvents('{{.Type}} {{.Action}} {{.Actor.Attributes.reclaimed}}'))
      .filter((line) => line.includes(' prune '))
      .map((line) => line.split(' '))
    expect(reclaimed.map(([type]) => type)).toEqual(['container', 'volume', 'image'])
    expect(Number(reclaimed[0]![2])).toBe(written)
    expect(Number(reclaimed[2]![2])).toBeGreaterThanOrEqual(LayersSize)
    expect(((await api('/system/df')) as Usage).LayersSize).toBe(0)
  })
})
