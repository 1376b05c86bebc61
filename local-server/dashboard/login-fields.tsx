import { FormField, Input } from '@cloudscape-design/components';
import type { InputProps } from '@cloudscape-design/components';
import type { Ref } from 'react';

interface Login {
  username: string;
  password: string;
}

interface LoginFieldsProps {
  /** What the user is called. */
  userLabel: string;
  login: Login;
  onChange: (part: Partial<Login>) => void;
  userRef?: Ref<InputProps.Ref>;
}

/** The user and the password of a camera, which no browser is to keep. */
export function LoginFields({ userLabel, login, onChange, userRef = null }: LoginFieldsProps) {
  return (
    <>
      <FormField label={userLabel}>
        <Input
          ref={userRef}
          spellcheck={false}
          autoComplete={false}
          value={login.username}
          onChange={({ detail }) => onChange({ username: detail.value })}
        />
      </FormField>
      <FormField label="Password">
        <Input
          type="password"
          autoComplete="off"
          value={login.password}
          onChange={({ detail }) => onChange({ password: detail.value })}
        />
      </FormField>
    </>
  );
}
