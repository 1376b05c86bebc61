import type { InputProps } from '@cloudscape-design/components';
import { useEffect, useRef } from 'react';

/** Of the field that a dialog begins with. */
export function useFirstFocus() {
  const field = useRef<InputProps.Ref>(null);
  useEffect(() => {
    // The dialog remembers where the focus was, to bring it back, and then takes it to its first button.
    const timer = window.setTimeout(() => field.current?.focus());
    return () => window.clearTimeout(timer);
  }, []);
  return field;
}
