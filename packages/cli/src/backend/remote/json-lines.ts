import { CliError } from '../../errors.js'

/** Longest line that is read. */
const mostLength = 1024 * 1024

/** Documents that come one after the other, each on a line of its own. */
export async function* jsonLines<T>(source: AsyncIterable<Buffer>): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of source) {
    text += decoder.decode(chunk, { stream: true })
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    if (text.length > mostLength)
      throw new CliError('ERR_CLI_DAEMON', 'cannot read an answer with a line so long')
    for (const line of lines) if (line.trim() !== '') yield parse(line) as T
  }
  if (text.trim() !== '') yield parse(text) as T
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch (cause) {
    throw new CliError('ERR_CLI_DAEMON', 'cannot read an answer: it is no JSON', { cause })
  }
}
