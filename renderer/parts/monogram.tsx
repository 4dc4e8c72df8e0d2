const grounds = ['#5b5bd6', '#24663b', '#6e40c9', '#8a6d3b', '#a2445f', '#1f6f8b', '#7a4a2b', '#3f4a5a']

/** The sign of a server: its first letter, on a colour that its name always gets. */
export function Monogram({ name, large = false }: { readonly name: string; readonly large?: boolean }) {
  const size = large ? 'size-12 rounded-[13px] text-[20px]' : 'size-[34px] rounded-[9px] text-[14px]'
  return (
    <span
      aria-hidden="true"
      className={`grid flex-none place-items-center font-semibold text-[#fff] ${size}`}
      style={{ backgroundColor: groundOf(name) }}
    >
      {name.charAt(0).toUpperCase()}
    </span>
  )
}

function groundOf(name: string): string {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973
  return grounds[sum % grounds.length] ?? '#3f4a5a'
}
