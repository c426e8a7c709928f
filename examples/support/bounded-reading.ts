import type { Readable } from 'node:stream'
import type { Container } from '@ctr/runtime'

/** Reads to the end and keeps little: a script can print without end. */
export async function beginning(stream: Readable, most = 4096): Promise<string> {
  let text = ''
  for await (const chunk of stream) if (text.length < most) text += (chunk as Buffer).toString()
  return text.slice(0, most)
}

/** The first files that a container has written below a folder, without folders, links out and what is too large. */
export async function writtenFiles(
  container: Container,
  folder: string,
  most = 20,
): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const written = (await container.changes()).filter(
    ({ kind, path }) => kind !== 'D' && path.startsWith(`${folder}/`),
  )
  for (const { path } of written.slice(0, most)) {
    const content = await container.readFile(path).catch(() => undefined)
    if (content !== undefined) files.set(path, content.toString())
  }
  return files
}
