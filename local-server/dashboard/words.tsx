/** A sentence in which names stand between backticks. */
export function Words({ text }: { text: string | undefined }) {
  return text
    ?.split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
