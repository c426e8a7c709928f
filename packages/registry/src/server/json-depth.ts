const quote = 0x22
const backslash = 0x5c

/**
 * True when JSON text nests objects and lists deeper than `limit`. A few megabytes of brackets would become
 * hundreds of megabytes of objects, so this is looked at before a stranger's document is parsed.
 */
export function isDeeperThan(limit: number, json: Uint8Array): boolean {
  let depth = 0
  let isString = false
  for (let n = 0; n < json.length; n++) {
    const byte = json[n]!
    if (isString) {
      if (byte === backslash) n++
      else if (byte === quote) isString = false
    } else if (byte === quote) isString = true
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return false
}
