/**
 * Undoes the octal escapes of `/proc/PID/mountinfo`: `\040` for a space, `\011` tab, `\012` newline,
 * `\134` backslash, and any other `\ooo` byte.
 *
 * @param field - One field of a line, read as latin1.
 * @returns The field's bytes as UTF-8.
 */
export function unescapeMountField(field: string): string {
  const bytes = field.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
